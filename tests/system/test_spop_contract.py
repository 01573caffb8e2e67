"""The contract of spoe/README.md, spoken to the agent without HAProxy."""
import pytest

import spop
from harness import chat, prompt
from spop import Typed


def test_arguments_of_wrong_types_are_as_if_missing(conn):
    """NULL, empty and odd: a bypass with its reason."""
    for change in ({'policy': 1}, {'policy': None}, {'policy': ''}, {'tenant': None},
                   {'tenant': True}, {'method': None}, {'whole': None}, {'whole': 'true'},
                   {'body': None}, {'headers': None}, {'headers': b'\1'}, {'headers': b'\xff' * 9},
                   {'mode': 'nonsense'}, {'policy': 'other'}, {'ttl': 'x'}, {'ttl': -1}):
        found = conn.ask(spop.lookup(chat(prompt()), **change))
        assert found['status'] == 'BYPASS' and found['reason'], change
        assert not {'hit', 'store', 'ticket'} & set(found)
    for change in ({'ttl': None}, {'ttl': ''}, {'ttl': '60'}, {'unknown': 'x'}, {'mode': ''},
                   {'ipv4': Typed(6, b'\1\2\3\4')}, {'ipv6': Typed(7, bytes(16))}):
        assert conn.ask(spop.lookup(chat(prompt()), **change))['status'] == 'MISS', change


def test_modes(conn):
    body = chat(prompt())
    assert spop.look_and_store(conn, body, mode='bypass')['status'] == 'BYPASS'
    assert 'store' not in conn.ask(spop.lookup(body, mode='readonly'))
    assert spop.look_and_store(conn, body, '{"v": 1}', mode='refresh')['stored']
    assert spop.look_and_store(conn, body, '{"v": 2}', mode='refresh')['stored']
    assert conn.ask(spop.lookup(body, mode='readonly'))['body'] == b'{"v": 2}'


def test_ttl_of_a_request_only_shortens(conn):
    for ttl, expected in ((60, 60), (7 * 24 * 3600, 24 * 3600)):
        body = chat(prompt())
        spop.look_and_store(conn, body, ttl=ttl)
        assert expected - 5 <= conn.ask(spop.lookup(body))['ttl'] <= expected


def test_upstreams_do_not_share(conn):
    body = chat(prompt())
    assert spop.look_and_store(conn, body, upstream='one')['status'] == 'MISS'
    assert conn.ask(spop.lookup(body, upstream='two'))['status'] == 'MISS'
    assert conn.ask(spop.lookup(body))['status'] == 'MISS'
    assert conn.ask(spop.lookup(body, upstream='one'))['status'] == 'HIT'


def test_schemes_do_not_share(conn):
    body = chat(prompt())
    spop.look_and_store(conn, body)
    assert conn.ask(spop.lookup(body, scheme='https'))['status'] == 'MISS'


def test_variables_of_a_hit(conn):
    body = chat(prompt())
    spop.look_and_store(conn, body, '{"a":"b"}')
    found = conn.ask(spop.lookup(body))
    assert found['hit'] is True and found['code'] == 200 and found['ctype'] == 'application/json'
    assert found['body'] == b'{"a":"b"}' and found['age'] == 0 and found['ttl'] > 86000
    assert isinstance(found['sum'], int) and len(found['key']) == 32
    assert not {'store', 'ticket', 'reason'} & set(found)


@pytest.mark.parametrize('change, reason', [
    ({'ticket': None}, 'ticket'), ({'ticket': 'nonsense'}, 'ticket'), ({'ticket': ''}, 'ticket'),
    ({'ticket': 17}, 'ticket'), ({'whole': False}, 'response-cut'),
    ({'whole': None}, 'response-cut'),
    ({'code': 500}, 'status'), ({'code': None}, 'status'), ({'code': -1}, 'status'),
    ({'body': None}, 'empty'), ({'body': b'{"a":1'}, 'json'), ({'body': b'{}{}'}, 'json'),
    ({'headers': b'\xff'}, 'response-headers'),
    ({'headers': spop.header_block([])}, 'type'),
    ({'headers': spop.header_block([('content-type', 'application/json'),
                                    ('content-length', '99')])}, 'length'),
], ids=str)
def test_store_refused_with_its_reason(conn, change, reason):
    body = chat(prompt())
    ticket = conn.ask(spop.lookup(body))['ticket']
    found = conn.ask(spop.store(ticket, '{"a":1}', **change))
    assert found == {'stored': False, 'store_reason': reason}
    assert conn.ask(spop.lookup(body))['status'] == 'MISS'


def test_a_ticket_altered_anywhere_is_refused(conn):
    body = chat(prompt())
    ticket = conn.ask(spop.lookup(body))['ticket']
    for at, letter in enumerate(ticket):
        other = ticket[:at] + ('0' if letter != '0' else '1') + ticket[at + 1:]
        assert conn.ask(spop.store(other, '{}')) == {'stored': False, 'store_reason': 'ticket'}, at
    for other in (ticket[:-1], ticket + '0', ticket + ' ', ticket * 2, ticket.upper()):
        if other != ticket:
            assert conn.ask(spop.store(other, '{}'))['stored'] is False, other
    assert conn.ask(spop.store(ticket, '{}'))['stored'] is True
