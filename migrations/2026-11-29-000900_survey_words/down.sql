UPDATE survey_questions q SET text_es = w.es_before, text_en = w.en_before, version = q.version + 1, updated_at = now()
FROM (VALUES
    ('timeliness', '¿Qué tan oportuna fue la atención?', 'How timely was the attention?',
        '¿Cómo califica la oportunidad de la atención?', 'How do you rate the timeliness of the service?'),
    ('courtesy', '¿Cómo fue el trato que recibió?', 'How were you treated?',
        '¿Cómo califica el trato que recibió?', 'How do you rate the treatment that you received?'),
    ('solution', '¿Qué tan bien se solucionó lo que pidió?', 'How well was your request solved?',
        '¿Cómo califica la solución de su solicitud?', 'How do you rate the solution of your request?')
) AS w (key, es_before, en_before, es, en)
WHERE q.standing AND q.key = w.key AND q.text_es = w.es AND q.text_en = w.en;
