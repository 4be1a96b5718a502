// The conformance cases of h2spec, where H2SPEC_BIN names the program; `npm run h2spec` runs the same.
import t from 'tap';
import { runH2spec } from '../support/h2spec.ts';
import { withRig } from '../support/with-rig.ts';

const program = process.env['H2SPEC_BIN'] ?? '';

t.test('passes every case of h2spec', { skip: program === '' && 'no H2SPEC_BIN' }, async (t) => {
  await withRig({ hcm: { codec_type: 'HTTP2' } }, async (rig) => {
    const port = Number((await rig.address()).split(':').at(-1));
    const { passed, total, failures } = await runH2spec(program, port, ['-S']);
    t.same(failures, []);
    t.equal(passed, total);
  });
});
