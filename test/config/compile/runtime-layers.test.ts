import t from 'tap';
import { BootstrapSchema } from '../../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import {
  compileRuntimeLayers,
  mergeRuntimeLayers,
  textEntry,
} from '../../../proxy/config/compile/runtime-layers.ts';
import { compileJson } from '../../support/compile-json.ts';

t.test('texts are numbers, switches, fractions or themselves', async (t) => {
  const values: Readonly<Record<string, unknown>> = {
    '5': 5,
    ' 1.5e2 ': 150,
    '0x10': '0x10',
    True: true,
    false: false,
    '{numerator: 7}': { numerator: 7, denominator: 'HUNDRED' },
    '{"denominator": "MILLION", "numerator": 7}': { numerator: 7, denominator: 'MILLION' },
    'numerator: 3\ndenominator: TEN_THOUSAND': { numerator: 3, denominator: 'TEN_THOUSAND' },
    hello: 'hello',
  };
  for (const [text, value] of Object.entries(values)) {
    t.strictSame(textEntry(text), { text, value }, text);
  }
});

t.test('a later layer replaces a fraction whole, and a fraction replaces a number', async (t) => {
  const layers = (...values: object[]) => ({
    layered_runtime: {
      layers: values.map((static_layer, index) => ({ name: `l${index}`, static_layer })),
    },
  });
  const merged = (...values: object[]) => {
    const json = layers(...values) as never;
    const compiled = compileJson({ schema: BootstrapSchema, json }, (message, context) =>
      mergeRuntimeLayers(compileRuntimeLayers(message.layeredRuntime, '', context)),
    );
    return Object.fromEntries(compiled.value);
  };
  const share = { s: { numerator: 5, denominator: 'MILLION' } };
  t.strictSame(merged(share), { 's.numerator': 5, 's.denominator': 'MILLION' });
  t.strictSame(merged(share, { s: 50 }), { s: 50 });
  t.strictSame(merged({ s: 50 }, share), { 's.numerator': 5, 's.denominator': 'MILLION' });
  t.strictSame(merged({ s: { denominator: 1 } }), {
    's.numerator': 0,
    's.denominator': 'TEN_THOUSAND',
  });
});

t.test('a disk layer is below its root, maybe in a directory of the service cluster', async (t) => {
  const disk = { symlink_root: '/srv/runtime/current', subdirectory: 'envoy' };
  const json = {
    layered_runtime: {
      layers: [
        { name: 'all', disk_layer: disk },
        { name: 'own', disk_layer: { ...disk, append_service_cluster: true } },
      ],
    },
  };
  const compiled = compileJson({ schema: BootstrapSchema, json }, (message, context) =>
    compileRuntimeLayers(message.layeredRuntime, 'shop', context),
  );
  t.same(
    compiled.value.map(({ disk: found }) => found),
    [
      { symlinkRoot: '/srv/runtime/current', directory: '/srv/runtime/current/envoy' },
      { symlinkRoot: '/srv/runtime/current', directory: '/srv/runtime/current/envoy/shop' },
    ],
  );
});
