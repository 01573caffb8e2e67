"""Fixtures: the origin and the stacks that tests share, and the logs of a test that failed."""
import pytest

import harness
import spop

# What the shared stacks run: the built-in policy with something in every list. A loaded machine
# is no reason for a miss: the deadline of Redis is tested elsewhere.
SHARED = """
[redis]
timeout = 300ms

[policy llm]
vary = x-variant, anthropic-version
ignore-query = utm_source, trace
"""


def pytest_sessionstart():
    for binary in (harness.AGENT, harness.SANITIZED):
        if not binary.exists():
            pytest.exit(f'{binary} is missing: make system builds it', 2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for part in harness.running:
            for path in part.logs():
                lines = path.read_text(errors='replace').splitlines()[-20:]
                report.sections.append((f'{part.name} {path.name}',
                                        '\n'.join(line[:300] for line in lines)))


@pytest.fixture(scope='session')
def origin():
    with harness.Origin() as part:
        yield part


@pytest.fixture(scope='session')
def stack(origin):
    """A stack with Redis that nobody may break or reconfigure."""
    with harness.Stack(origin, SHARED) as part:
        yield part


@pytest.fixture(scope='session')
def sanitized_stack(origin):
    """The same on the agent's memory, the agent under ASan and UBSan: for what is odd."""
    options = ['--agent', harness.SANITIZED, '--redis', 'none']
    with harness.Stack(origin, SHARED, options) as part:
        yield part


@pytest.fixture(scope='session')
def exact():
    """Whether this HAProxy returns every byte as it was stored (3.1 and later)."""
    return harness.haproxy_version() >= (3, 1)


@pytest.fixture(scope='module')
def agent():
    """An agent alone, on its memory, under ASan and UBSan."""
    with harness.Agent(binary=harness.SANITIZED) as part:
        yield part


@pytest.fixture
def conn(agent):
    """A connection past its HELLO."""
    with spop.Connection(agent.address) as connection:
        yield connection
