"""Writes the tables of costs and the number of metrics into operations.md, so that a changed price, assumption or alarm changes
them; with --check it only says whether what is there is this. Sources and dates of the prices are in operations.md."""

import re
import sys
from pathlib import Path

REST = float("inf")
# US dollars in us-east-1, without free allowances. In lists: up to so many (requests or GB) the price is.
GATEWAY = [(300e6, 1.00e-6), (REST, 0.90e-6)]
LAMBDA_REQUEST, LAMBDA_GB_SECOND = 0.20e-6, 0.0000133334  # arm64
READ_UNIT, WRITE_UNIT, TABLE_GB, PITR_GB = 0.125e-6, 0.625e-6, 0.25, 0.20
S3_GB, S3_PUT, S3_GET = [(50e3, 0.023), (500e3, 0.022), (REST, 0.021)], 5e-6, 0.4e-6
LOG_GB = [(10e3, 0.50), (30e3, 0.25), (50e3, 0.10), (REST, 0.05)]
METRIC, ALARM_METRIC, DASHBOARD, TRACE, SECRET = 0.30, 0.10, 3.00, 5e-6, 0.40
OUT = [(10e3, 0.09), (50e3, 0.085), (150e3, 0.07), (REST, 0.05)]
CLOUDFRONT_WEST = [(10e3, 0.085), (50e3, 0.08), (150e3, 0.06), (500e3, 0.04), (1024e3, 0.03), (REST, 0.025)]
CLOUDFRONT_ASIA = [(10e3, 0.12), (50e3, 0.10), (150e3, 0.095), (500e3, 0.09), (1024e3, 0.08), (REST, 0.07)]
CLOUDFRONT_REQUEST = {"US and Europe": 1.00e-6, "Hong Kong, Singapore, Korea": 1.20e-6}

# What a request takes: GB-seconds, steps of 512 KB at the gateway, read units, write units, kB answered.
KINDS = {
    "upload": (0.5 * 0.250, 2, 2, 3, 3.0),
    "variants": (1.0 * 0.250, 0, 1, 1, 0.0),
    "redirect": (0.25 * 0.010, 1, 1, 0, 2.0),
    "task page": (0.25 * 0.020, 1, 12, 0, 25.0),
    "check": (0.25 * 0.010, 1, 1, 0, 0.5),
    "login": (0.25 * 0.300, 1, 1, 3, 0.5),
}
OF_AN_IMAGE = {"upload": 1, "variants": 1, "redirect": 10, "task page": 1, "login": 0.1}
OF_A_REQUEST = {"upload": 0.05, "variants": 0.05, "redirect": 0.70, "task page": 0.15, "check": 0.08, "login": 0.02}
IMAGE_GB, ROWS_GB, SECONDS = 1e-3, 0.7e-6, 30.4 * 86400
# Of a request: a line of ours, one of API Gateway's, three of Lambda's, which tell of the trace where there is one.
LOG_LINES_GB = {"basic": 1.1e-6, "full": 1.3e-6}
# Those of the stream's mapping, those that always come, and pairs of function and error code.
METRICS = {"basic": 0, "full": 6 + 30 + 40}
DASHBOARDS = {"basic": 0, "full": 1}


def alarm_metrics(monitoring: str) -> int:
    """How many metrics the alarms look at that the template makes."""
    template = Path(__file__).parent.with_name("template.yaml").read_text(encoding="utf-8")
    alarms = [text for text in re.split(r"\n  (?=\w+:\n)", template) if "\n    Type: AWS::CloudWatch::Alarm\n" in text]
    left_out = {"basic": "Condition: HasFullMonitoring\n", "full": "Condition: HasBasicMonitoring\n"}[monitoring]
    return sum(alarm.count("MetricName: ") for alarm in alarms if left_out not in alarm)


def tiered(amount: float, tiers: list[tuple[float, float]]) -> float:
    floors = [0.0] + [limit for limit, _ in tiers]
    return sum(max(0.0, min(amount, limit) - floor) * price for floor, (limit, price) in zip(floors, tiers))


def rewritten(text: str, start: str, lines: list[str], end: str) -> str:
    return "\n".join([text.split(start)[0] + start, *lines, end]) + text.split(end)[1]


def bill(traffic: dict[str, float], times: float, monitoring: str) -> dict[str, float]:
    count = {kind: share * times for kind, share in traffic.items()}
    compute, steps, reads, writes, kilobytes = (
        sum(count[kind] * KINDS[kind][column] for kind in count) for column in range(5))
    requests, images, views = sum(count.values()), count["upload"], count["redirect"]
    lines = {
        "API Gateway": tiered(steps, GATEWAY),
        "Lambda": requests * LAMBDA_REQUEST + compute * LAMBDA_GB_SECOND,
        "DynamoDB: reads, writes": reads * READ_UNIT + writes * WRITE_UNIT,
        "DynamoDB: storage, PITR": images * ROWS_GB * (TABLE_GB + PITR_GB),
        "S3: storage": tiered(images * IMAGE_GB, S3_GB),
        "S3: PUT, GET": images * (3 * S3_PUT + S3_GET) + views * S3_GET,
        "logs": tiered(requests * LOG_LINES_GB[monitoring], LOG_GB),
        # A metric is paid for in the hours in which it is sent.
        "metrics": METRICS[monitoring] * METRIC if requests else 0.0,
        "alarms, dashboard": alarm_metrics(monitoring) * ALARM_METRIC + DASHBOARDS[monitoring] * DASHBOARD,
        "X-Ray": min(requests, SECONDS + 0.05 * max(0.0, requests - SECONDS)) * TRACE if monitoring == "full" else 0.0,
        "Secrets Manager": SECRET,
    }
    lines["**before data out**"] = sum(lines.values())
    lines["data out from S3 and API"] = tiered(views * IMAGE_GB + kilobytes * 1e-6, OUT)
    lines["**all**"] = lines["**before data out**"] + lines["data out from S3 and API"]
    for (place, price), tiers in zip(CLOUDFRONT_REQUEST.items(), (CLOUDFRONT_WEST, CLOUDFRONT_ASIA)):
        through = tiered(views * IMAGE_GB, tiers) + views * price + tiered(kilobytes * 1e-6, OUT)
        lines[f"all, through CloudFront to {place}"] = lines["**before data out**"] + through
    return lines


def watching(lines: dict[str, float]) -> float:
    return sum(lines[line] for line in ("logs", "metrics", "alarms, dashboard", "X-Ray"))


def table(heads: list[str], rows: list[tuple[str, list[float]]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", "| --- |" + " ---: |" * (len(heads) - 1)]
    for name, amounts in rows:
        lines.append(f"| {name} | {' | '.join(f'{amount:,.{2 if amount < 100 else 0}f}' for amount in amounts)} |")
    return lines


USES = {"nobody uses it": (OF_AN_IMAGE, 0.0)} | {
    f"{name} {what}": (traffic, times)
    for what, traffic in (("images", OF_AN_IMAGE), ("requests", OF_A_REQUEST))
    for name, times in (("10 k", 1e4), ("1 M", 1e6), ("100 M", 1e8))
}
BILLS = {of: {use: bill(*traffic, of) for use, traffic in USES.items()} for of in ("basic", "full")}
TOTAL = "**before data out**"

# What the two kinds of monitoring promise.
idle = BILLS["basic"]["nobody uses it"][TOTAL]
at_a_million = {of: watching(bills["1 M images"]) for of, bills in BILLS.items()}
if idle >= 1 or at_a_million["basic"] > at_a_million["full"] / 2:
    sys.exit(f"basic monitoring: {idle:.2f} dollars idle, {at_a_million} at a million images")

both = table(
    ["dollars a month, before data out", "`basic`", "`full`", "of it logs, metrics, traces: `basic`", "`full`"],
    [
        (use, [BILLS["basic"][use][TOTAL], BILLS["full"][use][TOTAL], watching(BILLS["basic"][use]), watching(BILLS["full"][use])])
        for use in USES
    ],
)
used = [use for use in USES if use != "nobody uses it"]
lines = BILLS["basic"][used[0]]
parts = table(["dollars a month, `basic`", *used], [(line, [BILLS["basic"][use][line] for use in used]) for line in lines])
page = Path(__file__).with_name("operations.md")
text = page.read_text(encoding="utf-8")
metrics = [
    f"`basic`: {alarm_metrics('basic')} metrics in alarms, no others. `full`: {alarm_metrics('full')} metrics in alarms, a dashboard, and"
    f" {METRICS['full']} metrics: 6 of the stream, about 30 that always come, and 40 pairs of function and error code."
]
fresh = rewritten(text, "<!-- costs.py -->", [*both, "", *parts], "<!-- end of costs -->")
fresh = rewritten(fresh, "<!-- costs.py: metrics -->", metrics, "<!-- end of metrics -->")
if "--check" in sys.argv:
    sys.exit(None if fresh == text else "operations.md has other costs: run python3 docs/costs.py")
page.write_text(fresh, encoding="utf-8")
