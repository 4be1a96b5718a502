// The conformance cases of h2spec, where H2SPEC_BIN names the program; `npm run h2spec` runs the same.
import t from 'tap';
import { CLEAR_LISTENER, runH2spec, SECURE_LISTENER } from '../support/h2spec.ts';
import { withRig } from '../support/with-rig.ts';

const program = process.env['H2SPEC_BIN'] ?? '';

for (const [title, listener, flags] of [
  ['in clear text', CLEAR_LISTENER, []],
  ['over TLS, chosen by ALPN', SECURE_LISTENER, ['-t', '-k']],
] as const) {
  t.test(`passes every case ${title}`, { skip: program === '' && 'no H2SPEC_BIN' }, async (t) => {
    await withRig(listener, async (rig) => {
      const port = Number((await rig.address()).split(':').at(-1));
      const { passed, total, failures } = await runH2spec(program, port, ['-S', ...flags]);
      t.same(failures, []);
      t.equal(passed, total);
    });
  });
}
