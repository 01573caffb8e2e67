"""The page at the agent's HTTP door, in a real browser."""
import re
import zlib

import pytest

import harness
from browser import Browser
from harness import prompt, wait_for

CONFIG = '[policy research]\nmode = shadow\n'


@pytest.fixture(scope='module')
def browser():
    with Browser() as running:
        yield running


@pytest.fixture(scope='module')
def seen(origin):
    """A stack whose agent has its door on TCP, and which had 6 hits, 2 misses and a bypass."""
    address = harness.free_address()
    with harness.Stack(origin, CONFIG, ['--status', address]) as stack:
        question = prompt()
        for _ in range(7):
            stack.post(question)
        stack.post(prompt(), 'finish=length')
        stack.post(prompt(), headers={'X-Tenant-Id': None})
        stack.url = f'http://{address}/'
        yield stack


def opened(browser, url, **how):
    page = browser.open(url, **how)
    wait_for(lambda: re.match(r'\d\d:\d\d:\d\d$', page.text('seen')), 'the page has an answer')
    return page


def rows(page, table):
    """{first cell: the other cells}, as one sees them."""
    lines = page.ask(f'[...document.querySelectorAll("#{table} tr")].map(row => '
                     '[...row.cells].map(cell => cell.innerText.trim()))')
    return {line[0]: line[1:] for line in lines}


def pixel(path):
    """Red, green and blue of the first pixel of a PNG (RFC 2083), whatever its filter."""
    data, bytes_, at = open(path, 'rb').read(), b'', 8
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], 'big')
        if data[at + 4:at + 8] == b'IDAT':
            bytes_ += data[at + 8:at + 8 + length]
        at += length + 12
    return tuple(zlib.decompress(bytes_)[1:4])


def test_it_shows_what_status_says(browser, seen):
    page = opened(browser, seen.url)
    assert page.text('state') == 'ready' and 'redis' in page.text('about')
    policies = rows(page, 'policies')
    assert set(policies) == {'policy', 'llm', 'research'} and policies['research'][0] == 'shadow'
    assert rows(page, 'apis')['openai-chat'] == ['9', '6', '2', '1', '66.7 %']
    assert page.ask('document.getElementById("tenants-panel").hidden')
    reasons = rows(page, 'lookups')
    assert [reasons[key][2] for key in reasons if key.endswith('absent')] == ['2']
    assert [reasons[key][0] for key in reasons if key.endswith('no-tenant')] == \
        ['the policy requires a tenant and HAProxy named none']
    assert rows(page, 'refused')['answer-cut'][2] == '1'
    assert rows(page, 'answers')['stored'] == ['1']
    assert rows(page, 'redis')['nodes'] == ['1 up']
    assert '9 since the start' in page.text('tiles') and '66.7 % since the start' in page.text('tiles')
    assert not re.search('NaN|undefined|Infinity|null|∞', page.ask('document.body.innerText'))
    assert not page.complaints


def test_tenants_are_shown_where_they_are_counted(browser, origin):
    address = harness.free_address()
    config = '[agent]\nmetrics-tenants = 10\n'
    with harness.Stack(origin, config, ['--status', address]) as stack:
        for tenant in ('acme', 'acme', '<globex>'):
            stack.post('the same', headers={'X-Tenant-Id': tenant})
        page = opened(browser, f'http://{address}/')
        shown = rows(page, 'tenants')
        assert shown['acme'] == ['2', '1', '1', '0', '50.0 %']
        assert [name for name in shown if 'globex' in name]
        assert not page.complaints


def test_it_is_live(browser, seen):
    page = opened(browser, seen.url)
    before = rows(page, 'refused')['status'][2] if 'status' in rows(page, 'refused') else '0'
    seen.post(prompt(), 'status=500')
    wait_for(lambda: rows(page, 'refused').get('status', ['', '', '0'])[2] == str(int(before) + 1),
             'the new number is there', 15)
    path = 'document.querySelector("#rates path")'
    wait_for(lambda: page.ask(f'!!{path}'), 'the chart has two steps', 20)
    assert 'NaN' not in page.ask(f'{path}.getAttribute("d")')
    assert page.ask('document.title').endswith('% · spoa-cache')
    assert not page.complaints


@pytest.mark.parametrize('scheme, dark', [('light', False), ('dark', True)])
def test_it_is_light_or_dark_as_the_system_is(browser, seen, tmp_path, scheme, dark):
    page = opened(browser, seen.url, scheme=scheme)
    page.screenshot(tmp_path / 'page.png')
    assert (max(pixel(tmp_path / 'page.png')) < 64) == dark
    assert (min(pixel(tmp_path / 'page.png')) > 224) != dark


@pytest.mark.parametrize('width', [320, 390, 768, 1024, 1920])
def test_it_fits_every_width(browser, seen, width):
    page = opened(browser, seen.url, width=width, height=800)
    assert page.ask('document.documentElement.scrollWidth') <= width
    assert page.ask('[...document.querySelectorAll("section")].every(s => s.hidden || '
                    's.getBoundingClientRect().right <= innerWidth + 1)')
    assert page.ask('[...document.querySelectorAll(".panels table")].every(t => '
                    't.scrollWidth <= t.closest("section").clientWidth + 1)')


def test_it_says_when_nobody_answers(browser):
    address = harness.free_address()
    with harness.Agent(SPOA_CACHE_AGENT_STATUS=address):
        page = opened(browser, f'http://{address}/')
        assert rows(page, 'memory')['held'][0].endswith('of 64.0 MB')
        assert page.ask('document.getElementById("redis-panel").hidden')
        assert not page.complaints
    wait_for(lambda: page.text('seen').startswith('no answer'), 'it says so', 15)
    assert page.ask('document.body.className') == 'lost'
    with harness.Agent(SPOA_CACHE_AGENT_STATUS=address):
        wait_for(lambda: page.ask('document.body.className') == '', 'it goes on', 15)
        assert re.match(r'\d\d:\d\d:\d\d$', page.text('seen'))


def test_foreign_text_stays_text(browser, seen):
    """What a name could carry is shown as it is, and does not run."""
    page = opened(browser, seen.url)
    page.ask('''(() => { const evil = '<img src=x onerror="document.title=1"><b>x</b>';
        looks[0].version = looks[0].policies[0].name = looks[0].config = evil;
        looks[0].metrics.refused_total = [{labels: {reason: evil}, value: 1}];
        looks.length = 1; show(); })()''')
    assert '<b>x</b>' in page.text('version') and page.ask('document.title') != '1'
    assert page.ask('document.querySelectorAll("main img, main p b, header img").length') == 0


def test_the_browser_keeps_other_scripts_out(browser, seen):
    page = opened(browser, seen.url)
    page.ask('''(() => { const s = document.createElement('script'); s.textContent = 'document.ran = 1';
        document.body.append(s); })()''')
    assert page.ask('document.ran') is None
    assert page.ask('fetch("http://127.0.0.1:1/").then(() => "went", () => "kept")') == 'kept'
    wait_for(lambda: page.ask('1') and page.complaints, 'the browser complains')
    assert 'Content Security Policy' in str(page.complaints)
