"""scripts/bench load: the load tool."""
import json
import subprocess
import xml.etree.ElementTree

import harness


def load(stack, *arguments):
    return subprocess.run([f'{harness.ROOT}/scripts/bench', 'load', '--url', f'http://{stack.address}', '--seconds', '3',
                           '--rate', '60', '--think', '20', '--prompts', '20', '--tenants', '3',
                           *arguments], capture_output=True, text=True, timeout=60)


def test_it_says_what_became_of_every_request(stack, tmp_path):
    picture = tmp_path / 'load.svg'
    run = load(stack, '--json', '--svg', str(picture))
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert said['requests'] == 180
    assert sum(row['requests'] for row in said['by'].values()) == 180
    assert said['by']['HIT']['requests'] > said['by']['MISS']['requests'] > 20
    assert said['by']['MISS']['p50_ms'] >= 20
    assert said['by']['MISS']['p50_ms'] > said['by']['HIT']['p50_ms']
    assert said['by']['BYPASS']['requests'] > 0
    assert 'failed' not in said['by']
    assert xml.etree.ElementTree.parse(picture).getroot().tag.endswith('svg')


def test_it_draws(stack):
    run = load(stack, '--seed', '2')
    assert run.returncode == 0, run.stderr
    assert 'hits, 0 to 100 %' in run.stdout and 'MISS' in run.stdout


def test_failures_are_its_exit_status():
    run = subprocess.run([f'{harness.ROOT}/scripts/bench', 'load', '--url', 'http://127.0.0.1:1',
                          '--seconds', '1', '--rate', '5'], capture_output=True, text=True, timeout=60)
    assert run.returncode == 1 and 'failed' in run.stdout and 'load: at 0.000 s' in run.stderr
