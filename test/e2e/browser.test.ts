// A browser over TLS: HTTP/2 by ALPN, and a WebSocket. Chromium is large, so it is used where it is.
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { secureListener } from '../support/secure-listener.ts';
import { withoutTool } from '../support/tls-scan.ts';
import { echoWebSocket } from '../support/websocket.ts';
import { withRig } from '../support/with-rig.ts';

const BROWSER = 'chromium-headless-shell';
/** The page counts as loaded when its picture is there: by then the WebSocket is through. */
const PICTURE_MS = 2500;
const PAGE = `<body><script>
const socket = new WebSocket('wss://localhost:' + location.port + '/echo');
socket.onopen = () => socket.send('hello');
socket.onmessage = ({ data }) => {
  const [{ nextHopProtocol }] = performance.getEntriesByType('navigation');
  document.body.textContent = 'page by ' + nextHopProtocol + ', WebSocket says ' + data;
};
</script><img src="/picture"></body>`;
const certificate = makeCertificate({ issuer: makeAuthority(), altNames: [{ dns: 'localhost' }] });
const ROUTE = {
  match: { path: '/page' },
  direct_response: { status: 200, body: { inline_string: PAGE } },
  response_headers_to_add: [{ header: { key: 'content-type', value: 'text/html' } }],
};
const HCM = {
  upgrade_configs: [{ upgrade_type: 'websocket' }],
  http2_protocol_options: { allow_connect: true },
};

function look(url: string): Promise<string> {
  const flags = ['--no-sandbox', '--disable-gpu', '--ignore-certificate-errors', '--dump-dom'];
  return new Promise((resolve) => {
    const options = { timeout: 60_000 };
    execFile(BROWSER, [...flags, url], options, (_, stdout) => resolve(stdout));
  });
}

const skip = withoutTool(BROWSER, `apt-get install ${BROWSER}`);

t.test('Chromium', { skip, timeout: 100_000 }, async (t) => {
  const listener = secureListener({ certificate }, { hcm: HCM, routes: [ROUTE] });
  await withRig({ ...listener, mayComplain: true }, async (rig) => {
    rig.upstream.on('/echo', echoWebSocket);
    rig.upstream.on('/picture', async (_, peer) => {
      await delay(PICTURE_MS);
      peer.write('HTTP/1.1 404 none\r\ncontent-length: 0\r\n\r\n');
    });
    const address = await rig.address();
    const seen = await look(`https://localhost:${address.split(':').at(-1)}/page`);
    t.match(seen, 'page by h2, WebSocket says hello');
  });
});
