"""Makes a pgbench script of what one request sent to PostgreSQL, from the server's log with `log_statement = all`.

    record.py SINCE MADE < LOG > SCRIPT

SINCE is the time in milliseconds from which an id (UUID version 7) was made by the request itself: such an id is made anew
by the script. MADE is the number of the ticket that the request registered, or 0: the script uses the number that it gets
instead. Everything else stands in the script as the request sent it.
"""
import json
import re
import sys

since, made = int(sys.argv[1]), sys.argv[2]
LINE = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (LOG|DETAIL):  (.*)$")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00"


def is_new(uuid):
    return uuid[14] == "7" and int(uuid.replace("-", "")[:12], 16) >= since


def is_object(value):
    """Whether it is a JSON object: an array of PostgreSQL's has no colons."""
    try:
        return isinstance(json.loads(value), dict)
    except ValueError:
        return False


def literal(value, number, sql):
    """A parameter as it is written in place of `$number`, with its type where PostgreSQL could not tell."""
    if value is None:
        return "NULL"
    # Its arguments are texts, whatever they look like.
    if re.search(rf"set_config\([^)]*\${number}\b", sql):
        return "'" + value.replace("'", "''") + "'"
    if value == made and made != "0":
        return ":id"
    if re.fullmatch(r"-?\d+(\.\d+)?", value) and not re.search(rf"to_tsquery\([^)]*\${number}\b", sql):
        return value
    kind = ""
    if re.fullmatch(UUID, value):
        if is_new(value):
            return "gen_random_uuid()"
        kind = "::uuid"
    elif re.fullmatch(MOMENT, value):
        kind = "::timestamptz"
    elif re.fullmatch(r"\{(%s,?)+\}" % UUID, value):
        inner = value[1:-1].split(",")
        if any(map(is_new, inner)):
            return "ARRAY[" + ", ".join("gen_random_uuid()" for _ in inner) + "]"
        kind = "::uuid[]"
    elif re.fullmatch(r'\{((?:"%s"|-?infinity),?)+\}' % MOMENT, value):
        kind = "::timestamptz[]"
    elif value == "{}" and re.search(rf"cardinality\(\${number}\b", sql):
        kind = "::uuid[]" if re.search(rf"_id = ANY ?\(\${number}\b", sql) else "::text[]"
    elif is_object(value):
        kind = "::jsonb"
    return "'" + value.replace("'", "''") + "'" + kind


def parameters(detail):
    found = re.findall(r"\$(\d+) = (?:NULL|'((?:[^']|'')*)')", detail)
    null = {number for number in re.findall(r"\$(\d+) = NULL", detail)}
    return {int(n): None if n in null and not text else text.replace("''", "'") for n, text in found}


backends = {}
for line in sys.stdin:
    match = LINE.match(line.rstrip("\n"))
    if not match:
        continue
    backend, kind, text = match.groups()
    said = backends.setdefault(backend, [])
    if kind == "LOG" and (statement := re.match(r"(?:execute [^:]*|statement): (.*)$", text)):
        said.append([statement.group(1), {}])
    elif kind == "DETAIL" and said and text.startswith("parameters: "):
        said[-1][1] = parameters(text)

# Whoever admitted the caller served the request: other backends work for the routine meanwhile.
served = next((said for said in backends.values() if any("sign_in_era" in sql for sql, _ in said)), None)
if served is None:
    sys.exit("nobody read the account of the caller: within a second of the last request of the same caller")
first = next(i for i, (sql, _) in enumerate(served) if "sign_in_era" in sql)
if first and served[first - 1][0].startswith("BEGIN"):
    first -= 1
for sql, values in served[first:]:
    # A read reads the account of its caller once a second: less than once in a thousand requests.
    if "sign_in_era" in sql and "set_config" not in sql or sql == "SELECT 1":
        continue
    whole = re.sub(r"\$(\d+)", lambda at: literal(values.get(int(at[1])), at[1], sql) if int(at[1]) in values else at[0], sql)
    gets = " \\gset" if whole.startswith('INSERT INTO "tickets"') else ";"
    # A colon before a letter would be a variable of pgbench: there is none but the number of the ticket.
    print(whole + gets)
