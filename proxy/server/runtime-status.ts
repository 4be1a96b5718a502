// What `/runtime` shows: the bootstrap's static layers and what comes out of them.
import type { RuntimeEntry, RuntimeStatus } from '../admin/backend.ts';
import type { Bootstrap } from '../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { addLayer } from '../config/compile/runtime-values.ts';
import type { CompileContext } from '../model/extension.ts';

/** The layers of a bootstrap in order; the last one that has a key decides. */
export function runtimeStatus(bootstrap: Bootstrap, context: CompileContext): RuntimeStatus {
  const layers: string[] = [];
  const values: ReadonlyMap<string, string | number | boolean>[] = [];
  for (const layer of bootstrap.layeredRuntime?.layers ?? []) {
    layers.push(layer.name);
    const own = new Map<string, string | number | boolean>();
    if (layer.layerSpecifier.case === 'staticLayer') {
      addLayer(own, layer.layerSpecifier.value, context);
    }
    values.push(own);
  }
  const entries: Record<string, RuntimeEntry> = Object.create(null);
  for (const key of new Set(values.flatMap((layer) => [...layer.keys()]))) {
    const layerValues = values.map((layer) => String(layer.get(key) ?? ''));
    const finalValue = layerValues.findLast((value) => value !== '') ?? '';
    entries[key] = { finalValue, layerValues };
  }
  return { layers, entries };
}
