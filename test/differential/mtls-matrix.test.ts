// The matrix of mTLS modes with Envoy on one side or both: every cell is the same.
import t from 'tap';
import { checkEveryCell } from '../support/mtls-cells.ts';
import { startMtlsMesh } from '../support/mtls-mesh.ts';
import { whyNoPods } from '../support/pod.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const PAIRS = [
  { title: 'our client, its server', client: 'ours', server: 'envoy' },
  { title: 'its client, our server', client: 'envoy', server: 'ours' },
  { title: 'Envoy on both sides', client: 'envoy', server: 'envoy' },
] as const;

for (const { title, ...programs } of PAIRS) {
  t.test(title, { skip: withoutEnvoy || whyNoPods() }, async (t) => {
    await checkEveryCell(t, await startMtlsMesh(t, programs));
  });
}
