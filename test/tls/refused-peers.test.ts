// Handshakes that end because of who the client is: each with its own counter and reason.
import t from 'tap';
import type { ValidationSecret } from '../../proxy/model/secret.ts';
import {
  makeAuthority,
  makeCertificate,
  PURPOSE,
  type TestCertificate,
  type TestCertificateOptions,
} from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { downstreamTls, inlineRef, upstreamTls } from '../support/tls-config.ts';
import { TlsPair } from '../support/tls-pair.ts';
import { parsedCertificate, sanMatcher, validationOf } from '../support/validation.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const root = makeAuthority();
const server = makeCertificate({ issuer: root, altNames: [{ dns: 'server.test' }] });
const BY_CHAIN = validationOf([root]);
const BY_NAME = validationOf([root], {
  sanMatchers: [sanMatcher('uri', 'spiffe://td/b'), sanMatcher('dns', 'b.test')],
});
const BY_PIN = validationOf([], { certificateHashes: ['00'.repeat(32)] });
const BY_TRUST_DOMAIN = validationOf([], {
  spiffe: { trustDomains: new Map([['td', [parsedCertificate(root)]]]) },
});
const AT_0 = 'X509_verify_cert: certificate verification error at depth 0: ';

function signed(options: TestCertificateOptions): TestCertificate {
  return makeCertificate({ issuer: root, ...options });
}

interface Refused {
  readonly validation: ValidationSecret;
  readonly shown: TestCertificate;
  readonly counter: string;
  readonly detail: string;
}

const REFUSED: Readonly<Record<string, Refused>> = {
  'another authority': {
    validation: BY_CHAIN,
    shown: makeCertificate({ issuer: makeAuthority({ subject: 'another root' }) }),
    counter: 'fail_verify_error',
    detail: `${AT_0}unable to get local issuer certificate`,
  },
  'another key of the same name': {
    validation: BY_CHAIN,
    shown: makeCertificate({ issuer: makeAuthority({ keyLabel: 'impostor' }) }),
    counter: 'fail_verify_error',
    detail: `${AT_0}certificate signature failure`,
  },
  'an expired certificate': {
    validation: BY_CHAIN,
    shown: signed({ notBeforeMs: NOW - 2 * DAY_MS, notAfterMs: NOW - DAY_MS }),
    counter: 'fail_verify_error',
    detail: `${AT_0}certificate has expired`,
  },
  'a certificate of the future': {
    validation: BY_CHAIN,
    shown: signed({ notBeforeMs: NOW + DAY_MS, notAfterMs: NOW + 2 * DAY_MS }),
    counter: 'fail_verify_error',
    detail: `${AT_0}certificate is not yet valid`,
  },
  'a certificate for servers': {
    validation: BY_CHAIN,
    shown: signed({ extendedKeyUsage: [PURPOSE.server] }),
    counter: 'fail_verify_error',
    detail: `${AT_0}unsupported certificate purpose`,
  },
  'another name': {
    validation: BY_NAME,
    shown: signed({ altNames: [{ uri: 'spiffe://td/a' }] }),
    counter: 'fail_verify_san',
    detail: 'SAN matcher, certificate SANs are [spiffe://td/a]',
  },
  'a name with a comma and another one in it': {
    validation: BY_NAME,
    shown: signed({ altNames: [{ uri: 'spiffe://td/a, URI:spiffe://td/b' }] }),
    counter: 'fail_verify_san',
    detail: 'SAN matcher, certificate SANs are [spiffe://td/a, URI:spiffe://td/b]',
  },
  'a name with a NUL behind what is wanted': {
    validation: BY_NAME,
    shown: signed({ altNames: [{ dns: 'b.test\0.evil.test' }] }),
    counter: 'fail_verify_san',
    detail: 'SAN matcher, certificate SANs are [b.test\\x00.evil.test]',
  },
  'another certificate than the pinned one': {
    validation: BY_PIN,
    shown: signed({}),
    counter: 'fail_verify_cert_hash',
    detail: 'cert hash and spki',
  },
  'another trust domain': {
    validation: BY_TRUST_DOMAIN,
    shown: signed({ altNames: [{ uri: 'spiffe://other/a' }] }),
    counter: 'fail_verify_error',
    detail: 'no trust bundle store',
  },
  'two ids': {
    validation: BY_TRUST_DOMAIN,
    shown: signed({ altNames: [{ uri: 'spiffe://td/a' }, { uri: 'spiffe://td/b' }] }),
    counter: 'fail_verify_error',
    detail: 'cert precheck: 2 URI SANs',
  },
};

function pairContexts(validation: ValidationSecret, shown: TestCertificate, maxVersion: string) {
  const down = downstreamTls([server], {
    validation: { ref: inlineRef(validation, 'inline:refused'), base: null },
    requiresClientCertificate: true,
  });
  const version = { maxVersion: maxVersion as 'TLSv1.2' | 'TLSv1.3' };
  return { down, up: upstreamTls([shown], version) };
}

for (const [title, { validation, shown, counter, detail }] of Object.entries(REFUSED)) {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    t.test(`refuses ${title} over ${version}`, async (t) => {
      const pair = await TlsPair.open(t, pairContexts(validation, shown, version));
      const client = pair.dial();
      await eventually(() => (pair.accepted[0]?.events.length ?? 0) > 0);
      t.same(pair.accepted[0]?.events, [
        'close transport-failed TLS_error:|268435581:SSL routines:OPENSSL_internal:' +
          `CERTIFICATE_VERIFY_FAILED:verify cert failed: ${detail}:TLS_error_end`,
      ]);
      t.same(pair.counters('listener.x.ssl.'), { [counter]: 1 });
      t.equal(pair.accepted[0]?.received, '', 'no octet of it was used');
      await eventually(() => client.events.some((event) => event !== 'connected'));
    });
  }
}

t.test('resumes no session where chains are judged here', async (t) => {
  const middle = makeAuthority({ issuer: root, subject: 'middle' });
  const shown = makeCertificate({ issuer: middle, altNames: [{ uri: 'spiffe://td/a' }] });
  const pair = await TlsPair.open(t, pairContexts(BY_TRUST_DOMAIN, shown, 'TLSv1.2'));
  for (let round = 0; round < 2; round += 1) {
    const [client, accepted] = await pair.connect();
    t.same(accepted.events, ['connected']);
    t.equal(accepted.open.tls?.isResumed, false);
    t.equal(accepted.open.tls?.isPeerValidated, true);
    client.open.close('now');
  }
});
