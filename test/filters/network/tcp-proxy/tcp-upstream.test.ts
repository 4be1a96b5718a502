import t from 'tap';
import type { OutlierConfig } from '../../../../proxy/model/outlier.ts';
import {
  HOST_COUNT_CELLS,
  hostCountsKey,
  SharedHostCounts,
} from '../../../../proxy/upstream/outlier/shared-host-counts.ts';
import { clusterConfig } from '../../../support/cluster-config.ts';
import { outlierConfig } from '../../../support/outlier-config.ts';
import { type TcpRig, tcpRig } from '../../../support/tcp-rig.ts';

const [ENDPOINT] = clusterConfig().endpoints;
const KEY = hostCountsKey('c', `${ENDPOINT?.address}:${ENDPOINT?.port}`);

function watched(members: Partial<OutlierConfig> = {}) {
  const rig = tcpRig({ cluster: { outlier: outlierConfig(members), connectTimeoutMs: 100 } });
  const cells = rig.context.cells.ints(KEY, HOST_COUNT_CELLS);
  return { rig, counts: new SharedHostCounts(cells) };
}

const OUTCOMES: Readonly<Record<string, (rig: TcpRig) => void>> = {
  connected: (rig) => rig.upstream().accept(),
  refused: (rig) => rig.upstream().refuse(),
  'too late': (rig) => rig.clock.advance(200),
};

t.test('outlier detection hears how connecting went', async (t) => {
  for (const [name, happen] of Object.entries(OUTCOMES)) {
    const { rig, counts } = watched();
    happen(rig);
    const success = name === 'connected' ? 1 : 0;
    t.same(counts.take('external'), { total: 1, success }, name);
    const apart = watched({ splitsLocalOrigin: true });
    happen(apart.rig);
    t.same(apart.counts.take('external'), { total: 0, success: 0 }, name);
    t.same(apart.counts.take('local'), { total: 1, success }, `${name}, apart`);
  }
});

t.test('what becomes of a session afterwards says nothing of its host', async (t) => {
  const { rig, counts } = watched();
  rig.upstream().accept();
  counts.take('external');
  rig.upstream().receive('some');
  rig.upstream().end('peer-reset');
  t.same(counts.take('external'), { total: 0, success: 0 });
});
