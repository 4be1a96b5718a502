// No secret reaches a reader of the configuration.
import t from 'tap';
import { redactSecrets } from '../../proxy/admin/redact.ts';

t.test('everything below a sensitive field is hidden, text and bytes alike', async (t) => {
  t.same(
    redactSecrets({
      name: 'server',
      tls_certificate: {
        certificate_chain: { inline_string: 'CERT' },
        private_key: { inline_bytes: 'S0VZ' },
        password: { inline_string: 'pass' },
      },
      session_ticket_keys: { keys: [{ inline_string: 'k1' }, { filename: '/k' }] },
      generic_secret: { secret: { inline_string: 's' } },
    }),
    {
      name: 'server',
      tls_certificate: {
        certificate_chain: { inline_string: 'CERT' },
        private_key: { inline_bytes: 'W3JlZGFjdGVkXQ==' },
        password: { inline_string: '[redacted]' },
      },
      session_ticket_keys: {
        keys: [{ inline_string: '[redacted]' }, { filename: '[redacted]' }],
      },
      generic_secret: { secret: { inline_string: '[redacted]' } },
    },
  );
});

t.test(
  'where a secret is fetched from is no secret, and typed messages are looked into',
  async (t) => {
    const value = {
      token_secret: { name: 'tok', sds_config: { path: '/sds.yaml' } },
      secret: { '@type': 'x/Secret', name: 's', tls_certificate: { private_key: { a: 'k' } } },
      weight: 3,
      enabled: true,
      nothing: null,
    };
    t.same(redactSecrets(value), {
      ...value,
      secret: {
        '@type': 'x/Secret',
        name: 's',
        tls_certificate: { private_key: { a: '[redacted]' } },
      },
    });
  },
);
