"""The table and the chart."""

import datetime
import math
import os
import platform


def machine():
    """The class of machine this is, in words."""
    with open("/proc/meminfo") as lines:
        gibibytes = round(int(lines.readline().split()[1]) / 1024 / 1024)
    system = platform.freedesktop_os_release()
    name = f"{system.get('NAME', '').split(' ')[0]} {system.get('VERSION_ID', '')}"
    return f"{os.cpu_count()} cores, {gibibytes} GiB, {name}"


def number(value):
    """A number with as many digits as it deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


RATES = "| measure | subject | requests/s | reference | requests/s | ratio | goal |"
PROCESSOR = "| measure | subject | µs | reference | µs | ratio | goal |"


def table(heading, rows, sign):
    """Rows of one kind; `sign` says on which side of the goal a ratio should be."""
    lines = [heading, "|---|---|--:|---|--:|--:|--:|"]
    for row in rows:
        left, right = row.medians()
        goal = f"{sign} {number(row.goal)}" if row.goal else "–"
        lines.append(
            f"| {row.title} | {row.left.name} | {number(left)} | {row.right.name}"
            f" | {number(right)} | **{number(row.ratio())}** | {goal} |")
    return lines


def tables(rates, processor):
    """The rates, and the processor time where it was measured."""
    lines = table(RATES, rates, "≥") if rates else []
    if processor:
        lines += [
            "",
            "## Processor time of nginx a request",
            "",
            "User and system time of all worker processes (`/proc/PID/stat`) divided by the number"
            " of requests, on the same four instances. The minimal nginx.conf"
            " (`bench/peers/minimal-nginx.conf`) has keepalive connections and no log. Lower is"
            " better.",
            "",
            *table(PROCESSOR, processor, "≤"),
        ]
    return lines


def markdown(rates, processor, notes, load):
    """The report as Markdown; `load` is the load average before the first row."""
    day = datetime.date.today().isoformat()
    lines = [
        "# Benchmark results",
        "",
        f"Measured by `make bench` on {day}: {machine()}, everything on loopback, wrk on the same"
        " machine. Both sides of a row run in turn; the ratio is the median of the rounds'"
        " ratios, so that a busy moment spoils a round and not the row. Load average before the"
        f" start: {load:.1f}; at more than about 1 the machine had other things to do, and the"
        " rates, unlike the ratios, say little.",
        "",
        "![ratios](results.svg)",
        "",
        *tables(rates, processor),
    ]
    return "\n".join(lines + ["", *notes, ""])


def chart(rows):
    """The ratios as bars on a logarithmic scale, the goals as ticks."""
    step, left, width = 34, 300, 420
    top = max(row.ratio() for row in rows) * 1.5
    low = min(0.5, min(row.ratio() for row in rows))

    def place(value):
        return left + width * math.log(value / low) / math.log(top / low)

    height = 46 + step * len(rows)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 {height}"'
        ' font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="820" height="{height}" fill="#fff"/>',
        '<text x="12" y="22" font-weight="600">Requests a second, ours over theirs'
        ' (logarithmic; the tick is the goal, the line is 1)</text>',
        f'<path d="M{place(1):.1f} 32V{height - 8}" stroke="#bbb"/>',
    ]
    for index, row in enumerate(rows):
        y = 40 + step * index
        ratio = row.ratio()
        start, end = sorted((place(1), place(ratio)))
        is_met = not row.goal or ratio >= row.goal
        colour = "#2f6f4f" if is_met else "#a5522d"
        out.append(f'<text x="{left - 12}" y="{y + 16}" text-anchor="end">{row.title}</text>')
        out.append(f'<rect x="{start:.1f}" y="{y + 4}" width="{max(end - start, 1):.1f}"'
                   f' height="16" fill="{colour}"/>')
        out.append(f'<text x="{place(max(ratio, 1)) + 6:.1f}" y="{y + 16}">'
                   f'{number(ratio)}× <tspan fill="#777">{row.right.name}</tspan></text>')
        if row.goal:
            goal = place(row.goal)
            out.append(f'<path d="M{goal:.1f} {y + 1}v22" stroke="#000" stroke-width="2"/>')
    return "\n".join(out + ["</svg>", ""])
