"""Names the exercises that are right at the end of `pytest`; those that are not are among its failures."""


def pytest_terminal_summary(terminalreporter):
    passed = [report.nodeid.partition("[")[2].rstrip("]") for report in terminalreporter.stats.get("passed", [])]
    if any(passed):
        terminalreporter.section("right")
        terminalreporter.write_line(", ".join(filter(None, passed)))
