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
    pages = int(about["Pages"])
    assert 4 <= pages <= 24 and f"Página {pages} de {pages}" in words, pages
    assert "Alcaldía de Prueba" in words and "NaN" not in words
    print(f"  {len(cells)} sheets and {pages} pages match the JSON")


if __name__ == "__main__":
    {"logo": logo, "check": check}[sys.argv[1]](*sys.argv[2:])
