// Two namespaces as pods, each with its sidecar: who can call whom under which modes of TLS, over
// HTTP and TCP, and from outside of the mesh.
import t from 'tap';
import { checkEveryCell } from '../support/mtls-cells.ts';
import { startMtlsMesh } from '../support/mtls-mesh.ts';
import { whyNoPods } from '../support/pod.ts';

t.test('every pair of modes', { skip: whyNoPods() }, async (t) => {
  await checkEveryCell(t, await startMtlsMesh(t));
});
