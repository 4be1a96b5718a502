// drop_overloads: what a client and the log see of requests that are refused.
import t from 'tap';
import type { Json, TwinConfig } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { runOnBoth, type TwinCase, withTwins } from '../support/with-twins.ts';

function cluster(name: string, numerator: number): Json {
  const drop_percentage = { numerator, denominator: 'HUNDRED' };
  const policy = { drop_overloads: [{ category: 'c', drop_percentage }] };
  const address = { socket_address: { address: '127.0.0.1', port_value: 1 } };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }];
  return { name, type: 'STATIC', load_assignment: { cluster_name: name, endpoints, policy } };
}

const CONFIG: TwinConfig = {
  listeners: {
    main: {
      routes: ['all', 'none'].map((name) => ({
        match: { path: `/${name}` },
        route: { cluster: name },
      })),
    },
    quiet: {
      router: { suppress_envoy_headers: true },
      routes: [{ match: { path: '/all' }, route: { cluster: 'all' } }],
    },
  },
  moreClusters: [cluster('all', 100), cluster('none', 0)],
  log: {
    log_format: {
      text_format_source: {
        inline_string:
          '%DOWNSTREAM_REMOTE_ADDRESS% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n',
      },
    },
  },
};

const CASES: readonly TwinCase[] = [
  { title: 'all are refused', send: 'GET /all HTTP/1.1\r\nhost: h\r\n\r\n' },
  { title: 'none is', send: 'GET /none HTTP/1.1\r\nhost: h\r\n\r\n' },
  { title: 'without fields', listener: 'quiet', send: 'GET /all HTTP/1.1\r\nhost: h\r\n\r\n' },
];

t.test('refuses what Envoy refuses', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    const outcomes = await runOnBoth(twins, CASES);
    outcomes.forEach(([ours, envoy], index) => {
      t.same(ours.responses, envoy.responses, CASES[index]?.title ?? '');
      if (index !== 1) t.same(ours.log, envoy.log, CASES[index]?.title ?? '');
    });
  });
});
