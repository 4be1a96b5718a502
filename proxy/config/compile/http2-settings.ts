// Http2ProtocolOptions.custom_settings_parameters: what Envoy allows in them, and which of them are
// another spelling of a named field.
import type { Http2ProtocolOptions } from '../../api/gen/envoy/config/core/v3/protocol_pb.js';
import type { H2ProtocolOptions, H2Setting } from '../../http/h2/options.ts';
import type { CompileContext } from '../../model/extension.ts';

/** RFC 9113 §6.5.2 and RFC 8441 §3. */
const ENABLE_PUSH = 2;
const MAX_FRAME_SIZE = 5;
const ENABLE_CONNECT_PROTOCOL = 8;
/** The only frame size that is announced, and the protocol's default. */
const FRAME_SIZE = 16_384;

type NamedField = 'hpackTableSize' | 'maxConcurrentStreams' | 'initialStreamWindowSize';

/** Identifiers that a field of the options has, too, with the values that the field may have. */
const NAMED: ReadonlyMap<
  number,
  { readonly field: NamedField; readonly name: string; readonly min: number; readonly max: number }
> = new Map([
  [1, { field: 'hpackTableSize', name: 'hpack_table_size', min: 0, max: 4_294_967_295 }],
  [
    3,
    { field: 'maxConcurrentStreams', name: 'max_concurrent_streams', min: 1, max: 2_147_483_647 },
  ],
  [
    4,
    {
      field: 'initialStreamWindowSize',
      name: 'initial_stream_window_size',
      min: 65_535,
      max: 2_147_483_647,
    },
  ],
]);

/** Custom parameters by what becomes of them. */
export interface CustomSettings {
  /** Values of named fields. */
  readonly named: Partial<Pick<H2ProtocolOptions, NamedField>>;
  /** Sent as they are. */
  readonly others: readonly H2Setting[];
}

/** Sorts the custom parameters, and refuses what Envoy refuses. */
export function compileCustomSettings(
  message: Http2ProtocolOptions,
  context: CompileContext,
): CustomSettings {
  const values = consistentValues(message, context);
  refuseCollisions(message, values, context);
  const named: Partial<Record<NamedField, number>> = {};
  const others: H2Setting[] = [];
  for (const [identifier, { value, path }] of values) {
    const twin = NAMED.get(identifier);
    if (twin !== undefined) {
      if (value >= twin.min && value <= twin.max) named[twin.field] = value;
      else context.reject(path, `value must be inside range [${twin.min}, ${twin.max}]`);
      continue;
    }
    const refusal = refusalOf(identifier, value);
    if (refusal !== null) context.reject(path, refusal);
    else if (identifier !== ENABLE_PUSH && identifier !== MAX_FRAME_SIZE) {
      others.push({ identifier, value });
    }
  }
  return { named, others };
}

/** A value with its place in the configuration. */
interface PlacedValue {
  readonly value: number;
  readonly path: string;
}

/** The value of each identifier; two that differ are refused. */
function consistentValues(
  { customSettingsParameters: parameters }: Http2ProtocolOptions,
  context: CompileContext,
): ReadonlyMap<number, PlacedValue> {
  const values = new Map<number, PlacedValue>();
  const inconsistent = new Set<number>();
  parameters.forEach(({ identifier = 0, value = 0 }, index) => {
    const known = values.get(identifier);
    if (known === undefined) {
      values.set(identifier, { value, path: `custom_settings_parameters[${index}]` });
    } else if (known.value !== value) inconsistent.add(identifier);
  });
  if (inconsistent.size > 0) {
    const list = [...inconsistent].map((id) => `0x${id.toString(16).padStart(2, '0')}`).join(',');
    const rule = 'inconsistent HTTP/2 custom SETTINGS parameter(s) detected';
    context.reject('custom_settings_parameters', `${rule}; identifiers = {${list}}`);
  }
  return values;
}

function refuseCollisions(
  message: Http2ProtocolOptions,
  values: ReadonlyMap<number, PlacedValue>,
  context: CompileContext,
): void {
  const twice = [...NAMED].filter(
    ([id, { field }]) => values.has(id) && message[field] !== undefined,
  );
  if (twice.length === 0) return;
  const names = twice.map(([, { name }]) => name).join(',');
  const rule = 'can not be configured through both named and custom parameters';
  context.reject(
    'custom_settings_parameters',
    `the {${names}} HTTP/2 SETTINGS parameter(s) ${rule}`,
  );
}

function refusalOf(identifier: number, value: number): string | null {
  if (identifier === ENABLE_PUSH && value !== 0) {
    return 'server push is not supported by Envoy and can not be enabled via a SETTINGS parameter.';
  }
  if (identifier === ENABLE_CONNECT_PROTOCOL) {
    return 'the "allow_connect" SETTINGS parameter must only be configured through the named field';
  }
  if (identifier === MAX_FRAME_SIZE && value !== FRAME_SIZE) {
    return `SETTINGS_MAX_FRAME_SIZE is not supported: frames have up to ${FRAME_SIZE} octets`;
  }
  return null;
}
