import t from 'tap';
import { socketAddress } from '../../../proxy/base/address.ts';
import { originalSrcDefinition } from '../../../proxy/filters/listener/original-src.ts';
import { DONE } from '../../../proxy/filters/listener-filter.ts';
import { connectOptions } from '../../../proxy/upstream/pool/connect-options.ts';
import { ListenerFilterRig } from '../../support/candidate.ts';
import { clusterConfig } from '../../support/cluster-config.ts';

const TARGET = socketAddress('10.0.0.2', 80);

t.test('the client is where connections to upstreams come from', (t) => {
  const rig = new ListenerFilterRig(originalSrcDefinition, { mark: 1337 });
  const { status, candidate } = rig.inspect(Buffer.alloc(0));
  t.equal(status, DONE);
  t.same(candidate.upstreamSource, { ip: '10.0.0.1', mark: 1337 });
  t.end();
});

t.test('their sockets may be bound to anything, and carry the mark', (t) => {
  const own = { level: 6, name: 1, octets: 'AQAAAA==' };
  const config = clusterConfig({
    sourceAddresses: [{ ip: '127.0.0.6', port: 0, socketOptions: [] }],
    socketOptions: [own],
  });
  t.match(connectOptions(config, TARGET), { bindAddress: { ip: '127.0.0.6' }, socketOptions: [] });
  const marked = connectOptions(config, TARGET, { ip: '10.0.0.1', mark: 1337 });
  t.match(marked.bindAddress, { ip: '10.0.0.1', port: 0 }, 'whatever the cluster says');
  t.same(marked.socketOptions, [
    own,
    { level: 0, name: 19, octets: 'AQAAAA==', family: 4 },
    { level: 41, name: 75, octets: 'AQAAAA==', family: 6 },
    { level: 1, name: 36, octets: 'OQUAAA==' },
  ]);
  const plain = connectOptions(config, TARGET, { ip: '10.0.0.1', mark: 0 });
  t.equal(plain.socketOptions?.length, 3, 'no mark, no option');
  t.end();
});
