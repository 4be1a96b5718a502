import t from 'tap';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import type { OverrideHostPolicyConfig } from '../../../proxy/model/load-balancing.ts';
import type { LoadBalancerContext } from '../../../proxy/upstream/cluster-manager.ts';
import type { Host } from '../../../proxy/upstream/host.ts';
import { HostSet } from '../../../proxy/upstream/host-set.ts';
import { OverrideHostBalancer } from '../../../proxy/upstream/lb/override-host-balancer.ts';
import { balancerContext, host } from '../../support/hosts.ts';
import { ROUND_ROBIN } from '../../support/lb-configs.ts';

const hosts = [host(), host(), host({ healthStatus: 'unhealthy' })] as const;
const CONFIG: OverrideHostPolicyConfig = {
  kind: 'override-host',
  sources: [
    { kind: 'metadata', place: { namespace: 'envoy.lb', path: ['wanted', 'host'] } },
    { kind: 'header', name: 'x-endpoint' },
  ],
  selectedHostKey: { namespace: 'envoy.lb', path: ['served', 'by'] },
  fallback: ROUND_ROBIN,
};

function fixture(fallback: Host | null = null) {
  const inner = { pick: () => fallback };
  return new OverrideHostBalancer(new HostSet(hosts), CONFIG, inner);
}

/** A request with what its field and its metadata say. */
function request(field: string, metadata: unknown = undefined): LoadBalancerContext {
  const context = balancerContext();
  if (metadata !== undefined) {
    context.info.dynamicMetadata = new Map([['envoy.lb', { wanted: metadata, other: 1 }]]);
  }
  const headers = HeaderList.empty();
  if (field !== '') headers.add('x-endpoint', field);
  const head = { headers } as unknown as NonNullable<LoadBalancerContext['request']>;
  return { ...context, request: head };
}

const at = (index: 0 | 1 | 2): string => hosts[index].address.text;

t.test('each attempt takes the next host, the fallback picks behind the last', async (t) => {
  const last = host();
  const balancer = fixture(last);
  const context = request(`10.9.9.9:1, ${at(1)},`, { host: at(2) });
  t.strictSame(
    [1, 2, 3, 4].map(() => balancer.pick(context)),
    [hosts[2], hosts[1], last, last],
    'sources in their order, members only, whatever their health',
  );
});

t.test('what is no text names nobody', async (t) => {
  for (const metadata of [{ host: 7 }, { host: null }, 'text', null, { other: at(0) }]) {
    t.equal(fixture().pick(request('', metadata)), null);
  }
  t.equal(fixture().pick({ ...balancerContext(), request: null }), null, 'nor does a TCP session');
});

t.test('who was picked is written beside what was there', async (t) => {
  const context = request(at(0), { host: 'nobody' });
  fixture().pick(context);
  t.strictSame(context.info.dynamicMetadata?.get('envoy.lb'), {
    ...{ wanted: { host: 'nobody' }, other: 1 },
    served: { by: at(0) },
  });
  const none = request('');
  fixture().pick(none);
  t.equal(none.info.dynamicMetadata, null, 'nobody was');
});
