import t from 'tap';
import { ClientCertForwarder } from '../../../../proxy/filters/network/http-connection-manager/client-cert-forwarder.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { RequestHead } from '../../../../proxy/http/message.ts';
import { StreamInfo } from '../../../../proxy/http/stream-info.ts';
import {
  type ClientCertMode,
  NO_CLIENT_CERT_DETAILS,
} from '../../../../proxy/model/client-cert.ts';
import type { TestCertificate } from '../../../support/certificates.ts';
import { emptyContext } from '../../../support/format-context.ts';
import { clientIdentities, serverIdentities, trickyIdentity } from '../../../support/identities.ts';
import { parsed } from '../../../support/tls-config.ts';
import { tlsInfo } from '../../../support/tls-info.ts';

const FIELD = 'x-forwarded-client-cert';
const TARGET = { path: '/', authority: 'h', scheme: 'https' };
const OWN = 'By=spiffe://td/server;By=spiffe://td/other';

interface Case {
  readonly mode: ClientCertMode;
  readonly details?: Partial<typeof NO_CLIENT_CERT_DETAILS>;
  readonly shown: TestCertificate | null;
  readonly given?: string;
}

/** What the field says afterwards, the hash aside; null: it is gone. */
function forwarded({ mode, details, shown, given }: Case): string | null {
  const policy = { mode, details: { ...NO_CLIENT_CERT_DETAILS, ...details } };
  const forwarder = new ClientCertForwarder({ matcher: null, policy });
  const tls = tlsInfo({
    localCertificate: parsed(serverIdentities.named),
    peerChain: shown === null ? [] : [parsed(shown)],
  });
  const info = new StreamInfo({ ...emptyContext().info.downstream, tls }, 0, 0);
  const head = new RequestHead('HTTP/1.1', 'GET', TARGET, HeaderList.of());
  if (given !== undefined) head.headers.add(FIELD, given);
  forwarder.apply(head, info);
  return head.headers.getByName(FIELD)?.replace(/[0-9a-f]{64}/, '#') ?? null;
}

const shown = clientIdentities['workload'] ?? null;

t.test('only a client with a certificate is believed what it says', (t) => {
  const given = 'Hash=1';
  const modes: readonly ClientCertMode[] = [
    ...(['sanitize', 'forward-only', 'append-forward'] as const),
    ...(['sanitize-set', 'always-forward-only'] as const),
  ];
  const said = modes.map((mode) => [
    forwarded({ mode, shown: null, given }),
    forwarded({ mode, shown, given }),
  ]);
  t.same(said, [
    [null, null],
    [null, 'Hash=1'],
    [null, `Hash=1,${OWN};Hash=#`],
    [null, `${OWN};Hash=#`],
    ['Hash=1', 'Hash=1'],
  ]);
  t.end();
});

t.test('says what is asked for, in one order', (t) => {
  const details = { subject: true, uri: true, dns: true, issuer: true };
  const chained = clientIdentities['chained'] ?? null;
  t.equal(
    forwarded({ mode: 'sanitize-set', details, shown: chained }),
    `${OWN};Hash=#;Subject="CN=back\\\\sl\\"ash \\C3\\BC";URI=spiffe://td/a=b?c;URI=spiffe://td/two;DNS=a.test;DNS=*.a.test;Issuer="CN=middle"`,
  );
  const json = forwarded({ mode: 'sanitize-set', details: { ...details, format: 'json' }, shown });
  t.same(JSON.parse(json ?? ''), [
    {
      by: ['spiffe://td/server', 'spiffe://td/other'],
      hash: '#',
      uri: ['spiffe://td/ns/a/sa/b'],
      issuer: 'CN=root \\"r\\",O=Test\\, Inc.',
    },
  ]);
  t.end();
});

t.test('a name cannot say that it is somebody else', (t) => {
  const details = { uri: true, dns: true };
  t.equal(
    forwarded({ mode: 'sanitize-set', details, shown: trickyIdentity }),
    `${OWN};Hash=#;URI="spiffe://td/x;URI=spiffe://td/admin";URI=a%0D%0Ab: c;DNS="a,\\"b"`,
  );
  t.end();
});

t.test('goes on in the form that it finds, and drops what would hide its own words', (t) => {
  const append = (given: string) => forwarded({ mode: 'append-forward', shown, given });
  t.match(append('[{"hash":"1"}]'), /^\[\{"hash":"1"\},\{"by":\[.*"hash":"#"\}\]$/);
  t.match(append('[ ]'), /^\[ \{"by".*\}\]$/);
  t.equal(append('Hash=1;Subject="a\\"b"'), `Hash=1;Subject="a\\"b",${OWN};Hash=#`);
  for (const given of ['', 'Hash=1;Subject="a', 'Subject="a\\"', '[{"hash":"1"},]']) {
    t.equal(append(given), `${OWN};Hash=#`, given);
  }
  t.end();
});
