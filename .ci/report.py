#!/usr/bin/env python3
"""Helpers of .ci/report: draws a logo, and compares the formats of a report."""
import csv
import glob
import html as markup
import json
import re
import struct
import sys
import zlib


def logo(path):
    """Writes a PNG with a circle and a bar on a transparent background."""
    width, height = 240, 80
    opaque = lambda x, y: (x - 40) ** 2 + (y - 40) ** 2 < 1400 or x > 90 and 25 < y < 55
    rows = b"".join(b"\0" + b"".join(struct.pack("BBBB", 11, 79, 138, 255 * opaque(x, y)) for x in range(width))
                    for y in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
                   + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def escape(text):
    """As the template escapes it."""
    return markup.escape(text).replace("/", "&#x2f;")


def spanish(number, decimals=0):
    return f"{number:,.{decimals}f}".replace(",", " ").replace(".", ",").replace(" ", ".")


# The word and the symbol of each mark.
MARKS = {
    "met": ("Cumple", "●"), "warned": ("En alerta", "▲"), "missed": ("No cumple", "■"), "no_data": ("Sin datos", "○"),
    "worse": ("Empeoró", "■"), "nothing": ("Ninguna", "○"), "not_worse": ("Sin desmejora", "●"), "open": ("En curso", "▲"),
    "overdue": ("Vencida", "■"), "proposed": ("Propuesta", "○"),
}


def opening(report, sheets, text, page):
    """The sentences of the first page are the same in every format, with their marks, before any table or chart."""
    [path] = glob.glob(f"{sheets}/*-En una página.csv")
    rows = [row for row in csv.reader(open(path, encoding="utf-8")) if len(row) > 1]
    # Lines and columns of a layout are joined.
    flat = lambda text: re.sub(r"\s+", " ", text)
    pages = open(text, encoding="utf-8").read().split("\f")
    first, html = flat(pages[0]), open(page, encoding="utf-8").read()
    head = html[:html.index("<table")]
    findings = report["first_page"]
    groups = [findings["compliance"], findings["worsened"], findings["proposed"]]
    for finding in [finding for group in groups for finding in group[:9]]:
        word, symbol = MARKS[finding["mark"]]
        sentence = finding["text_es"]
        assert [f"{symbol} {word}", sentence] in [row[:2] for row in rows], f"not in the workbook: {word} {sentence}"
        assert f">{symbol}</span> {word}</span> <span>{escape(sentence)}</span>" in head, f"not in the page: {sentence}"
        # The PDF may break a line within a word that has a hyphen.
        words = sentence.split()
        assert all(word in first for word in words), f"not on the first page of the PDF: {sentence}"
        assert word in first, word
    assert all(group for group in groups), findings
    code = "Procedimiento PR-RF-09, versión 06"
    assert code in first and code in html, code
    assert "Corte de las cifras:" in first and "Elaboró:" in flat(" ".join(pages)) and "Aprobó:" in html
    targets = {(one["name"], one["light"]) for one in report["indicators"]}
    assert len(targets) == 4, targets
    print("  the first page has the same findings: " + ", ".join(finding["mark"] for group in groups for finding in group))


def check(report, sheets, text, info, page):
    report = json.load(open(report))
    tickets = report["statistics"]["tickets"]
    cells = {}
    for path in glob.glob(f"{sheets}/*.csv"):
        name = re.search(r"-([^-]+)\.csv$", path).group(1)
        cells[name] = {row[0]: row[1:] for row in csv.reader(open(path, encoding="utf-8")) if row}
    assert len(cells) == 13, f"sheets: {sorted(cells)}"
    words = re.sub(r" +", " ", open(text, encoding="utf-8").read())

    def same(name, expected, percent=False):
        """Checks a figure of the summary: a number in the workbook, a formatted number in the PDF."""
        read, *_ = cells["Resumen"][name]
        if expected is None:
            assert read == "", f"{name}: {read!r}, expected an empty cell"
            assert f"{name} –" in words, f"{name} is not shown as – in the PDF"
            return
        number = float(read[:-1]) / 100 if read.endswith("%") else float(read)
        assert abs(number - expected) < 1e-9 * max(1, abs(expected)), f"{name}: {read}, not {expected}"
        decimals = 1 if percent else 0 if isinstance(expected, int) else 2
        shown = spanish(expected * 100 if percent else expected, decimals)
        assert f"{name} {shown}" in words, f"{name} {shown} is not in the PDF"

    hours = lambda spread: None if spread["median"] is None else spread["median"] / 60
    same("Solicitudes recibidas", tickets["received"])
    same("Solicitudes solucionadas", tickets["solved"])
    same("Solicitudes archivadas", tickets["archived"])
    same("Solicitudes reabiertas", tickets["reopened"])
    same("Pendientes al final del período", tickets["open"])
    same("Atención oportuna", tickets["attention_compliance"], percent=True)
    same("Solución en el primer nivel", tickets["first_level_rate"], percent=True)
    same("Mediana de atención, en horas del calendario de atención", hours(tickets["attention_working_minutes"]))
    same("Mediana de solución, en horas del calendario de atención", hours(tickets["solution_working_minutes"]))
    same("Calificación general, de 1 a 5", tickets["surveys"]["mean_ratings"]["overall"])
    same("Solucionadas de las recibidas, sin archivadas, a la fecha de corte", tickets["solution_rate"], percent=True)
    opening(report, sheets, text, page)
    for row, names in zip(report["statistics"]["by_criticality"], ["Crítica", "Alta", "Media", "Baja", "Sin clasificar"]):
        assert int(cells["Criticidad"][names][0]) == row["received"], names
    for person in report["statistics"]["by_person"]:
        assert int(cells["Personal"][person["full_name"]][3]) == person["solved"], person["full_name"]

    about = dict(line.split(":", 1) for line in open(info, encoding="utf-8") if ":" in line)
    assert "A4" in about["Page size"], about["Page size"]
    assert about["Title"].strip().startswith("Informe trimestral"), about["Title"]
    assert about["Tagged"].strip() == "yes", about["Tagged"]
    pages = int(about["Pages"])
    assert 4 <= pages <= 24 and f"Página {pages} de {pages}" in words, pages
    assert "Alcaldía de Prueba" in words and "NaN" not in words
    print(f"  {len(cells)} sheets and {pages} pages match the JSON")


LONG = ("Se presentó el informe del trimestre; la atención oportuna fue del 91 %. El «Ñandú» 日本 y 😀 no desaparecen. " * 12).strip()


def records(owner, folder):
    """Writes the bodies of one record of each kind, with long texts."""
    bodies = {
        "minutes": {
            "held_on": "2026-10-09", "start_time": "08:00", "end_time": "09:30", "place": "Sala de juntas",
            "agenda": [f"Punto {number}" for number in range(1, 9)],
            "attendees": [{"user_id": owner, "job_title": "Director Administrativo de las TIC"}] + [
                {"full_name": f"Persona de Prueba {number}", "job_title": "Profesional", "attendance": "guest"}
                for number in range(20)],
            "proceedings": "\n\n".join([LONG] * 5),
            "decisions": [{"decision": f"Compromiso {number}. {LONG if number % 4 == 0 else ''}", "owner_id": owner,
                           "due_on": "2026-10-30"} for number in range(1, 13)],
        },
        "action": {
            "kind": "corrective", "finding": LONG, "cause": LONG[:300], "action": LONG[:600], "owner_id": owner,
            "due_on": "2026-01-31", "status": "open", "origin": {"kind": "audit", "note": "Auditoría interna de 2026"},
        },
        "risk": {
            "cause": LONG[:400], "risk": "Pérdida del registro de solicitudes", "effect": LONG[:500], "probability": 3,
            "impact": 5, "controls": LONG[:300], "residual": {"probability": 2, "impact": 3}, "treatment": "reduce",
            "treatment_plan": LONG[:300], "owner_id": owner, "review_on": "2027-03-31", "status": "active",
            "origin": {"kind": "report", "year": 2025, "quarter": 3},
        },
    }
    for name, body in bodies.items():
        json.dump(body, open(f"{folder}/{name}.json", "w", encoding="utf-8"))


def form(files, read, *words):
    """Compares the formats of a form, and checks that its PDF file is accessible."""
    about = dict(line.split(":", 1) for line in open(f"{read}.info", encoding="utf-8") if ":" in line)
    assert about["Tagged"].strip() == "yes", about["Tagged"]
    assert "A4" in about["Page size"], about["Page size"]
    assert about["Title"].strip(), about
    pdf = open(f"{files}.pdf", "rb").read()
    assert b"/Lang(es)" in pdf and b"/FontFile2" in pdf and b"pdfuaid" in pdf
    structure = open(f"{read}.structure", encoding="utf-8", errors="replace").read()
    assert re.search(r"^ *H1", structure, re.M), "no title in the structure"
    if "<table" in open(f"{files}.html", encoding="utf-8").read():
        assert re.search(r"^ *TH\b", structure, re.M) and re.search(r"^ *TD\b", structure, re.M), "no cells in the structure"
    flat = lambda text: re.sub(r"\W+", " ", text).casefold()
    text, order = flat(open(f"{read}.txt", encoding="utf-8").read()), flat(structure)
    sheets = flat(" ".join(open(path, encoding="utf-8").read() for path in glob.glob(f"{read}/*.csv")))
    page = flat(re.sub(r"<[^>]*>", " ", open(f"{files}.html", encoding="utf-8").read()))
    place = 0
    for word in map(flat, words):
        assert word in text, f"{word} is not in the text of the PDF"
        assert word in sheets, f"{word} is not in the workbook"
        assert word in page, f"{word} is not on the page"
        found = order.find(word, place)
        assert found >= 0 or words.index(words[0]) == 0 and word in order, f"{word} is not in the order of reading"
        place = max(found, 0)
    pages = int(about["Pages"])
    assert f"Página: {pages} de {pages}".casefold() in re.sub(r"\s+", " ", open(f"{read}.txt", encoding="utf-8").read()).casefold()
    print(f"  {pages} pages, tagged; the formats agree")


if __name__ == "__main__":
    {"logo": logo, "check": check, "records": records, "form": form}[sys.argv[1]](*sys.argv[2:])
