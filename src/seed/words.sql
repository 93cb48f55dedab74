-- The subjects of requests, and their texts. The first subject is the most frequent one.
CREATE TEMP TABLE topics (rank integer PRIMARY KEY, name text, subjects text[], solutions text[], chance_from float8,
    chance_to float8, category_id uuid);
INSERT INTO topics (rank, name, subjects, solutions) VALUES
    (1, 'Contraseñas y acceso', ARRAY['No puedo entrar al correo institucional', 'Se bloqueó mi usuario',
        'Olvidé la contraseña del sistema de nómina', 'La contraseña venció y no deja cambiarla'],
        ARRAY['Se restableció la contraseña y se verificó el ingreso.', 'Se desbloqueó el usuario en el directorio.']),
    (2, 'Impresoras y escáneres', ARRAY['La impresora del despacho no imprime', 'La impresora muestra atasco de papel',
        'El escáner no envía los documentos a la carpeta', 'Las impresiones salen con manchas'],
        ARRAY['Se retiró el papel atascado y se limpiaron los rodillos.', 'Se cambió el tóner y se imprimió una página de prueba.']),
    (3, 'Red e internet', ARRAY['No hay internet en la oficina', 'La red está muy lenta desde esta mañana',
        'El punto de red de mi puesto no funciona', 'La wifi de la sala de juntas se cae'],
        ARRAY['Se cambió el puerto del switch y se verificó la conexión.', 'Se reemplazó el cable de red del puesto.']),
    (4, 'Equipos de cómputo', ARRAY['El computador no enciende', 'El computador se apaga solo', 'La pantalla se ve con rayas',
        'El computador está muy lento'],
        ARRAY['Se cambió la fuente de poder del equipo.', 'Se amplió la memoria y se depuró el disco.']),
    (5, 'Ofimática', ARRAY['Excel se cierra al abrir la plantilla de presupuesto', 'No abre un documento adjunto',
        'Se perdieron las macros de una hoja de cálculo'],
        ARRAY['Se reparó la instalación de la suite ofimática.', 'Se recuperó el documento de la copia de anoche.']),
    (6, 'Sistema de gestión documental', ARRAY['No puedo radicar un documento', 'El radicado quedó con la dependencia equivocada',
        'No aparece la bandeja de entrada'],
        ARRAY['Se corrigió la dependencia del radicado.', 'Se asignó el permiso de radicación.']),
    (7, 'Correo electrónico', ARRAY['El correo no recibe mensajes externos', 'El buzón está lleno', 'Llegó un correo sospechoso'],
        ARRAY['Se amplió la cuota del buzón.', 'Se bloqueó el remitente y se revisó el equipo.']),
    (8, 'Telefonía', ARRAY['La extensión no da tono', 'No se pueden hacer llamadas a celular', 'El teléfono no transfiere llamadas'],
        ARRAY['Se reconfiguró la extensión en la planta.', 'Se reemplazó el aparato telefónico.']),
    (9, 'Sistema financiero', ARRAY['El sistema financiero no genera el certificado', 'No se puede cerrar el periodo contable'],
        ARRAY['Se aplicó la actualización del módulo contable.', 'Se escaló al proveedor, que corrigió el informe.']),
    (10, 'Instalación de programas', ARRAY['Instalar el lector de firmas digitales', 'Actualizar el programa de diseño'],
        ARRAY['Se instaló el programa con licencia de la entidad.', 'Se actualizó a la versión autorizada.']),
    (11, 'Carpetas compartidas', ARRAY['No veo la carpeta compartida de mi área', 'Recuperar un archivo borrado de la carpeta común'],
        ARRAY['Se asignó el permiso sobre la carpeta.', 'Se recuperó el archivo de la copia de respaldo.']),
    (12, 'Salas y audiovisuales', ARRAY['El videoproyector del auditorio no da imagen', 'Apoyo para una reunión virtual'],
        ARRAY['Se cambió el cable y se probó la proyección.', 'Se acompañó la reunión hasta el final.']),
    (13, 'Portal web', ARRAY['Publicar un aviso en el portal', 'Un enlace del portal está roto'],
        ARRAY['Se publicó el aviso.', 'Se corrigió el enlace.']),
    (14, 'Cámaras y control de acceso', ARRAY['La tarjeta no abre la puerta del archivo', 'Una cámara no graba'],
        ARRAY['Se activó la tarjeta.', 'Se reinició el grabador y se verificó la imagen.']);

-- The second is half as frequent as the first, the third a third as frequent.
UPDATE topics SET chance_from = share.before / share.whole, chance_to = (share.before + 1.0 / topics.rank) / share.whole
FROM (
    SELECT rank, sum(1.0 / rank) OVER (ORDER BY rank) - 1.0 / rank AS before, sum(1.0 / rank) OVER () AS whole FROM topics
) AS share
WHERE share.rank = topics.rank;

CREATE TEMP TABLE circumstances (n integer PRIMARY KEY, begins text, happens text, asks text);
INSERT INTO circumstances VALUES
    (1, 'Desde esta mañana', 'no podemos atender al público', 'Agradezco su pronta colaboración.'),
    (2, 'Desde ayer en la tarde', 'el informe de fin de mes está detenido', 'Quedo atento a su visita.'),
    (3, 'Después de la última actualización', 'otras dos personas de la oficina tienen lo mismo', 'Estoy en el segundo piso, oficina 204.'),
    (4, 'Hace varios días', 'lo intenté en otro computador y ocurre igual', 'Pueden llamarme a la extensión.'),
    (5, 'Al volver de vacaciones', 'ya reinicié el equipo y no cambió nada', 'Por favor indíquenme si debo hacer algo más.'),
    (6, 'Cada vez que lo intento', 'aparece un aviso de error que no alcanzo a leer', 'Adjunto la descripción de lo que veo en pantalla.'),
    (7, 'De manera intermitente', 'el trabajo queda a medias y se pierde', 'Es para una reunión de mañana.'),
    (8, 'Desde el corte de energía', 'no responde ni por el botón de encendido', 'Muchas gracias.');
