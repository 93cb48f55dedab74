-- The standing questions ask how the person rates something, as the grades answer it. A question whose text was edited
-- keeps it. A new desk starts with these texts: there is no change to record.
DO $$
DECLARE
    used integer := (EXISTS (SELECT FROM users))::integer;
BEGIN
    IF used = 0 THEN
        ALTER TABLE survey_questions DISABLE TRIGGER record_change;
    END IF;
    UPDATE survey_questions q
    SET text_es = w.es, text_en = w.en, version = q.version + used,
        updated_at = CASE used WHEN 1 THEN now() ELSE q.updated_at END
    FROM (VALUES
        ('timeliness', '¿Qué tan oportuna fue la atención?', 'How timely was the attention?',
            '¿Cómo califica la oportunidad de la atención?', 'How do you rate the timeliness of the service?'),
        ('courtesy', '¿Cómo fue el trato que recibió?', 'How were you treated?',
            '¿Cómo califica el trato que recibió?', 'How do you rate the treatment that you received?'),
        ('solution', '¿Qué tan bien se solucionó lo que pidió?', 'How well was your request solved?',
            '¿Cómo califica la solución de su solicitud?', 'How do you rate the solution of your request?')
    ) AS w (key, es_before, en_before, es, en)
    WHERE q.standing AND q.key = w.key AND q.text_es = w.es_before AND q.text_en = w.en_before;
    ALTER TABLE survey_questions ENABLE TRIGGER record_change;
END $$;
