// config.bootstrap.v3.LayeredRuntime: layers of runtime values, of which the last that has a key
// decides; and values that operators write as text.
import { create, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import type {
  LayeredRuntime,
  RuntimeLayer,
  RuntimeLayer_DiskLayer,
  RuntimeLayer_RtdsLayer,
} from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ConfigSourceSchema } from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import { type Runtime, RuntimeSchema } from '../../api/gen/envoy/service/runtime/v3/rtds_pb.js';
import { FractionalPercent_DenominatorType as Denominator } from '../../api/gen/envoy/type/v3/percent_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  DiskLayerConfig,
  RtdsLayerConfig,
  RuntimeEntry,
  RuntimeLayerConfig,
  RuntimeValue,
} from '../../model/runtime.ts';
import { compileConfigSource } from './config-source.ts';

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NUMERATOR = /^\{?\s*(?:.*[,\n]\s*)?"?numerator"?\s*:\s*(\d+)\s*(?:[,\n].*)?\}?$/s;
const DENOMINATOR = /"?denominator"?\s*:\s*"?(HUNDRED|TEN_THOUSAND|MILLION)"?/;

/** Every layer; those that were refused are empty. `serviceCluster`: the node's. */
export function compileRuntimeLayers(
  message: LayeredRuntime | undefined,
  serviceCluster: string,
  context: CompileContext,
): readonly RuntimeLayerConfig[] {
  const layers = message?.layers ?? [];
  const names = new Set<string>();
  layers.forEach(({ name }, index) => {
    const at = context.at(`layered_runtime.layers[${index}]`);
    if (names.has(name)) at.reject('name', `Duplicate layer name: ${name}`);
    names.add(name);
  });
  if (layers.filter(isAdminLayer).length > 1) {
    const rule = 'Too many admin layers specified in LayeredRuntime, at most one may be specified';
    context.reject('layered_runtime.layers', rule);
  }
  return layers.map((layer, index) =>
    compileLayer(layer, serviceCluster, context.at(`layered_runtime.layers[${index}]`)),
  );
}

function isAdminLayer(layer: RuntimeLayer): boolean {
  return layer.layerSpecifier.case === 'adminLayer';
}

function compileLayer(
  { name, layerSpecifier }: RuntimeLayer,
  serviceCluster: string,
  context: CompileContext,
): RuntimeLayerConfig {
  const entries = new Map<string, RuntimeEntry>();
  const isAdmin = layerSpecifier.case === 'adminLayer';
  if (layerSpecifier.case === 'diskLayer') {
    return { name, isAdmin, entries, disk: diskOf(layerSpecifier.value, serviceCluster) };
  }
  if (layerSpecifier.case === 'rtdsLayer') {
    const rtds = rtdsOf(layerSpecifier.value, context.at('rtds_layer'));
    return rtds === null ? { name, isAdmin, entries } : { name, isAdmin, entries, rtds };
  }
  if (layerSpecifier.case === 'staticLayer') {
    const root = { prefix: '', value: layerSpecifier.value };
    addMembers(entries, root, context.at('static_layer'));
  } else if (!isAdmin) {
    context.reject(
      '',
      'layer_specifier is required: use static_layer, disk_layer, admin_layer or rtds_layer',
    );
  }
  return { name, isAdmin, entries };
}

function diskOf(
  { symlinkRoot, subdirectory, appendServiceCluster }: RuntimeLayer_DiskLayer,
  serviceCluster: string,
): DiskLayerConfig {
  const directory = `${symlinkRoot}/${subdirectory}`;
  return {
    symlinkRoot,
    directory: appendServiceCluster ? `${directory}/${serviceCluster}` : directory,
  };
}

function rtdsOf(
  { name, rtdsConfig }: RuntimeLayer_RtdsLayer,
  context: CompileContext,
): RtdsLayerConfig | null {
  const subject = `type.googleapis.com/${RuntimeSchema.typeName}`;
  // Envoy crashes without one.
  const config = rtdsConfig ?? create(ConfigSourceSchema);
  const source = compileConfigSource(config, subject, context.at('rtds_config'));
  return source === null ? null : { name, source };
}

/** What a server says a layer has; null when anything in it was refused. */
export function compileRuntime(
  { layer }: Runtime,
  context: CompileContext,
): ReadonlyMap<string, RuntimeEntry> | null {
  const entries = new Map<string, RuntimeEntry>();
  addMembers(entries, { prefix: '', value: layer ?? {} }, context.at('layer'));
  return context.failed ? null : entries;
}

function addMembers(
  into: Map<string, RuntimeEntry>,
  node: { readonly prefix: string; readonly value: JsonObject },
  context: CompileContext,
): void {
  for (const [name, value] of Object.entries(node.value)) {
    const key = node.prefix + name;
    if (typeof value === 'string') into.set(key, textEntry(value));
    else if (typeof value === 'number' || typeof value === 'boolean') {
      into.set(key, { text: String(value), value });
    } else if (!isObject(value)) {
      context.reject('', `Invalid runtime entry value for ${key}`);
    } else if ('numerator' in value || 'denominator' in value) {
      into.set(key, fractionEntry(value));
    } else addMembers(into, { prefix: `${key}.`, value }, context);
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fractionEntry(value: JsonObject): RuntimeEntry {
  const { numerator = 0, denominator = 'HUNDRED' } = value;
  const name = typeof denominator === 'number' ? Denominator[denominator] : denominator;
  return {
    text: JSON.stringify(value),
    value: { numerator: Number(numerator), denominator: String(name) },
  };
}

/** What a text says: a number, a switch, a fraction (`{numerator: 5, denominator: MILLION}`) or itself. */
export function textEntry(text: string): RuntimeEntry {
  const bare = text.trim();
  if (NUMBER.test(bare)) return { text, value: Number(bare) };
  const switched = bare.toLowerCase();
  if (switched === 'true' || switched === 'false') return { text, value: switched === 'true' };
  const numerator = NUMERATOR.exec(bare)?.[1];
  if (numerator === undefined) return { text, value: text };
  const denominator = DENOMINATOR.exec(bare)?.[1] ?? 'HUNDRED';
  return { text, value: { numerator: Number(numerator), denominator } };
}

/** All layers in one: the last one that has a key decides. */
export function mergeRuntimeLayers(
  layers: readonly RuntimeLayerConfig[],
): ReadonlyMap<string, RuntimeValue> {
  const merged = new Map<string, RuntimeValue>();
  for (const { entries } of layers) {
    for (const [key, { value }] of entries) {
      merged.delete(key);
      merged.delete(`${key}.numerator`);
      merged.delete(`${key}.denominator`);
      if (typeof value !== 'object') merged.set(key, value);
      else {
        merged.set(`${key}.numerator`, value.numerator);
        merged.set(`${key}.denominator`, value.denominator);
      }
    }
  }
  return merged;
}
