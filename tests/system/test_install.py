"""What is installed: by make, as a unit of systemd, as manual pages, as a configuration."""
import os
import re
import shutil
import subprocess

import pytest

import harness
from harness import ROOT

SYSTEMD = ROOT / 'agent/systemd'
systemd = pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='no systemd-analyze')


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """What make install puts into an empty directory."""
    directory = tmp_path_factory.mktemp('install')
    make('install', directory)
    return directory


def make(target, directory):
    environment = {name: value for name, value in os.environ.items() if name != 'MAKEFLAGS'}
    subprocess.run(['make', '-s', '-C', ROOT, target, f'DESTDIR={directory}', 'PREFIX=/opt/it'],
                   check=True, env=environment)


def files(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob('*') if path.is_file()}


def test_everything_is_installed_and_removed(installed, tmp_path):
    wanted = {'bin/spoa-cache', 'lib/systemd/system/spoa-cache.service',
              'lib/systemd/system/spoa-cache.socket',
              'lib/systemd/system/spoa-cache-status.socket', 'lib/sysusers.d/spoa-cache.conf',
              'share/man/man1/spoa-cache.1', 'share/man/man5/spoa-cache.conf.5',
              'share/spoa-cache/cache.conf', 'share/spoa-cache/haproxy.cfg',
              'share/spoa-cache/spoa-cache.conf',
              'share/spoa-cache/monitoring/rules.yaml', 'share/spoa-cache/monitoring/dashboard.json',
              'share/bash-completion/completions/spoa-cache'}
    assert wanted <= files(installed / 'opt/it')
    assert os.access(installed / 'opt/it/bin/spoa-cache', os.X_OK)
    copy = tmp_path / 'copy'
    shutil.copytree(installed, copy)
    make('uninstall', copy)
    assert files(copy) == set()


def test_the_service_starts_what_was_installed(installed):
    unit = (installed / 'opt/it/lib/systemd/system/spoa-cache.service').read_text()
    assert re.search('^ExecStart=/opt/it/bin/spoa-cache -c ', unit, re.M)


@systemd
def test_the_service_is_exposed_little():
    """0 is no exposure, 10 is all; unhardened services have 9.6."""
    said = subprocess.run(['systemd-analyze', 'security', '--no-pager', '--offline=yes',
                           SYSTEMD / 'spoa-cache.service'], capture_output=True, text=True)
    if 'offline' in said.stderr:
        pytest.skip('systemd-analyze is older than 250')
    exposure = float(re.search(r'exposure level for \S+: ([\d.]+)', said.stdout)[1])
    assert exposure < 1.5


@systemd
def test_the_units_are_right(installed):
    units = sorted((installed / 'opt/it/lib/systemd/system').iterdir())
    for unit in units:
        text = unit.read_text().replace('/opt/it', f'{installed}/opt/it')
        unit.write_text(text)
    said = subprocess.run(['systemd-analyze', 'verify', '--man=no', *units], capture_output=True,
                          text=True)
    ours = [line for line in said.stderr.splitlines() if 'spoa-cache' in line]
    assert ours == []


def test_the_sockets_of_the_units_are_those_of_the_configuration():
    config = (SYSTEMD / 'spoa-cache.conf').read_text()
    for unit, key in (('spoa-cache.socket', 'listen'), ('spoa-cache-status.socket', 'status')):
        path = re.search('^ListenStream=(.*)$', (SYSTEMD / unit).read_text(), re.M)[1]
        assert re.search(rf'^{key} = unix:{path}( |$)', config, re.M)


def test_the_configuration_is_right(tmp_path):
    secret = tmp_path / 'secret'
    secret.write_text('0123456789abcdef0123456789abcdef')
    file = tmp_path / 'spoa-cache.conf'
    file.write_text((SYSTEMD / 'spoa-cache.conf').read_text().replace('/etc/spoa-cache/secret',
                                                                     str(secret)))
    done = subprocess.run([harness.AGENT, '--check', '-c', file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_manual_has_every_option_command_and_key(installed):
    """groff makes no complaint of a page, and nothing that the program says is missing."""
    manual = installed / 'opt/it/share/man'
    program = (manual / 'man1/spoa-cache.1').read_text()
    for word in ('\\-\\-check', '\\-\\-print\\-config', '.SH EXPLAIN', '\\-\\-tenant NAME'):
        assert word in program
    configuration = (manual / 'man5/spoa-cache.conf.5').read_text()
    table = subprocess.run([harness.AGENT, '--print-config=markdown'], capture_output=True,
                           text=True, check=True).stdout
    keys = re.findall(r'^\| `(\S+)` \|', table, re.M)
    assert len(keys) > 60
    for key in keys:
        assert f'.B {key}\n'.replace('-', '\\-') in configuration
    if shutil.which('groff'):
        for page in (manual / 'man1/spoa-cache.1', manual / 'man5/spoa-cache.conf.5'):
            said = subprocess.run(['groff', '-man', '-Tutf8', '-ww', '-z', page],
                                  capture_output=True, text=True)
            assert said.stderr == ''
