"""Chromium without a window, driven over a pipe by its DevTools protocol."""
import base64
import json
import os
import shutil
import subprocess
import tempfile

import harness

CHROMIUM = os.environ.get('CHROMIUM', 'chromium')


class Browser:
    """A browser with a profile of its own. As a context it ends with it."""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix='spoa-browser-')
        commands, self.commands = os.pipe()
        self.events, events = os.pipe()

        def place():
            """3 and 4 are where it looks."""
            os.dup2(commands, 13)
            os.dup2(events, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self.process = subprocess.Popen(
            [CHROMIUM, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
             '--no-first-run', '--hide-scrollbars', '--disable-background-networking',
             f'--user-data-dir={self.profile}', '--remote-debugging-pipe'],
            preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(events)
        self.last, self.pending = 0, b''
        return self

    def __exit__(self, *_):
        os.close(self.commands)
        os.close(self.events)
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.profile, ignore_errors=True)

    def read(self):
        while b'\0' not in self.pending:
            piece = os.read(self.events, 1 << 16)
            assert piece, 'the browser ended'
            self.pending += piece
        message, self.pending = self.pending.split(b'\0', 1)
        return json.loads(message)

    def call(self, method, session=None, seen=None, **parameters):
        """The result of a command; what happens meanwhile is given to seen()."""
        self.last += 1
        command = {'id': self.last, 'method': method, 'params': parameters}
        if session:
            command['sessionId'] = session
        os.write(self.commands, json.dumps(command).encode() + b'\0')
        while (message := self.read()).get('id') != self.last:
            if seen and message.get('sessionId') == session:
                seen(message)
        assert 'error' not in message, message
        return message['result']

    def open(self, url, **how):
        return Page(self, url, **how)


class Page:
    """A tab. `complaints` are errors of its scripts and of the browser about it."""

    def __init__(self, browser, url, width=1280, height=1000, scheme='light'):
        self.browser, self.complaints = browser, []
        target = browser.call('Target.createTarget', url='about:blank')['targetId']
        self.session = browser.call('Target.attachToTarget', targetId=target,
                                    flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log'):
            self.call(f'{domain}.enable')
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call('Emulation.setEmulatedMedia',
                  features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        self.call('Page.navigate', url=url)
        harness.wait_for(lambda: self.ask('location.href !== "about:blank" && document.readyState')
                         == 'complete', 'the page is loaded', 20)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, self.see, **parameters)

    def see(self, event):
        entry = event['params'].get('entry', {})
        if event['method'] == 'Runtime.exceptionThrown' or entry.get('level') == 'error':
            self.complaints.append(event['params'])

    def ask(self, expression):
        """The value of an expression in the page."""
        result = self.call('Runtime.evaluate', expression=expression, returnByValue=True,
                           awaitPromise=True)
        assert 'exceptionDetails' not in result, result['exceptionDetails']
        return result['result'].get('value')

    def text(self, element):
        """What one sees in the element with that id."""
        return self.ask(f'document.getElementById({json.dumps(element)}).innerText')

    def screenshot(self, path):
        """All of the page, as PNG."""
        height = self.ask('document.documentElement.scrollHeight')
        width = self.ask('innerWidth')
        picture = self.call('Page.captureScreenshot', captureBeyondViewport=True,
                            clip={'x': 0, 'y': 0, 'width': width, 'height': height, 'scale': 1})
        with open(path, 'wb') as file:
            file.write(base64.b64decode(picture['data']))
