"""The report: tables in Markdown and a chart in SVG."""

import datetime
import math
import os
import platform


def machine():
    """Describes the machine: cores, memory, and operating system."""
    with open("/proc/meminfo") as lines:
        gibibytes = round(int(lines.readline().split()[1]) / 1024 / 1024)
    system = platform.freedesktop_os_release()
    name = f"{system.get('NAME', '').split(' ')[0]} {system.get('VERSION_ID', '')}"
    return f"{os.cpu_count()} cores, {gibibytes} GiB, {name}"


def number(value):
    """Formats a number with two decimals below 100 and none above."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


RATES = "| measure | subject | requests/s | reference | requests/s | ratio | goal |"
CPU_TIME = "| measure | subject | µs | reference | µs | ratio | goal |"


def table(heading, rows, sign):
    """Formats rows as a table; `sign` is the relation of a ratio to its goal."""
    lines = [heading, "|---|---|--:|---|--:|--:|--:|"]
    for row in rows:
        left, right = row.medians()
        goal = f"{sign} {number(row.goal)}" if row.goal else "–"
        lines.append(
            f"| {row.title} | {row.left.name} | {number(left)} | {row.right.name}"
            f" | {number(right)} | **{number(row.ratio())}** | {goal} |")
    return lines


def tables(rates, cpu_times):
    """Formats the rates, and the CPU times if they were measured."""
    lines = table(RATES, rates, "≥") if rates else []
    if cpu_times:
        lines += [
            "",
            "## nginx CPU time per request",
            "",
            "User and system time of all worker processes (`/proc/PID/stat`), divided by the number"
            " of requests, with the same four instances. The minimal nginx.conf"
            " (`bench/peers/minimal-nginx.conf`) has keepalive connections and no log. Lower is"
            " better.",
            "",
            *table(CPU_TIME, cpu_times, "≤"),
        ]
    return lines


def markdown(rates, cpu_times, notes, load):
    """Formats the report as Markdown; `load` is the load average before the first row."""
    day = datetime.date.today().isoformat()
    lines = [
        "# Benchmark results",
        "",
        f"Measured with `make bench` on {day}: {machine()}. Client and servers run on the same"
        " machine, over loopback. Both sides of a row are measured in turn, and the ratio is the"
        " median of the ratios of all rounds, so that a short disturbance affects one round and not"
        f" the row. Load average before the start: {load:.1f}. Above about 1, other processes were"
        " running: the ratios remain usable, the absolute rates do not.",
        "",
        "![ratios](results.svg)",
        "",
        *tables(rates, cpu_times),
    ]
    return "\n".join(lines + ["", *notes, ""])


def chart(rows):
    """Draws the ratios as bars on a logarithmic scale, with the goals as ticks."""
    step, left, width = 34, 300, 420
    top = max(row.ratio() for row in rows) * 1.5
    low = min(0.5, min(row.ratio() for row in rows))

    def position(value):
        return left + width * math.log(value / low) / math.log(top / low)

    height = 46 + step * len(rows)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 {height}"'
        ' font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="820" height="{height}" fill="#fff"/>',
        '<text x="12" y="22" font-weight="600">Ratio of requests per second, subject to reference'
        ' (logarithmic; tick: goal, line: 1)</text>',
        f'<path d="M{position(1):.1f} 32V{height - 8}" stroke="#bbb"/>',
    ]
    for index, row in enumerate(rows):
        y = 40 + step * index
        ratio = row.ratio()
        start, end = sorted((position(1), position(ratio)))
        is_met = not row.goal or ratio >= row.goal
        color = "#2f6f4f" if is_met else "#a5522d"
        out.append(f'<text x="{left - 12}" y="{y + 16}" text-anchor="end">{row.title}</text>')
        out.append(f'<rect x="{start:.1f}" y="{y + 4}" width="{max(end - start, 1):.1f}"'
                   f' height="16" fill="{color}"/>')
        out.append(f'<text x="{position(max(ratio, 1)) + 6:.1f}" y="{y + 16}">'
                   f'{number(ratio)}× <tspan fill="#777">{row.right.name}</tspan></text>')
        if row.goal:
            goal = position(row.goal)
            out.append(f'<path d="M{goal:.1f} {y + 1}v22" stroke="#000" stroke-width="2"/>')
    return "\n".join(out + ["</svg>", ""])
