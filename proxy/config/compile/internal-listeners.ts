// Listeners without a socket: what the bootstrap says for all, and what one of them may not say.
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import type { Listener } from '../../api/gen/envoy/config/listener/v3/listener_pb.js';
import {
  type InternalListener,
  InternalListenerSchema,
} from '../../api/gen/envoy/extensions/bootstrap/internal_listener/v3/internal_listener_pb.js';
import { DEFAULT_INTERNAL_BUFFER_BYTES } from '../../model/bootstrap.ts';
import type { CompileContext } from '../../model/extension.ts';
import { typeIn } from '../schema/open-any.ts';
import { passedThroughIn } from '../schema/passed-through.ts';
import { unpack } from './extension-lookup.ts';
import { notePassedThrough } from './passed-through.ts';

const BYTES_PER_KB = 1024;
const BOOTSTRAP = 'envoy.bootstrap';
const BOOTSTRAP_PASSED = passedThroughIn(BOOTSTRAP);

/** BootstrapConfig.internalBufferBytes from `bootstrap_extensions`, of which there is no other. */
export function compileInternalBuffer(
  extensions: readonly TypedExtensionConfig[],
  context: CompileContext,
): number | null {
  let bytes: number | null = null;
  extensions.forEach(({ typedConfig }, index) => {
    const at = context.at(`bootstrap_extensions[${index}]`);
    if (BOOTSTRAP_PASSED.some(({ typeName }) => typeName === typeIn(typedConfig))) {
      notePassedThrough(typeIn(typedConfig), BOOTSTRAP, at);
      return;
    }
    if (typedConfig === undefined || !isInternalListener(typedConfig)) {
      at.reject('typed_config', 'only envoy.bootstrap.internal_listener is supported yet');
      return;
    }
    const config = unpack(typedConfig, at, 'typed_config') as InternalListener | null;
    const size = config?.bufferSizeKb;
    bytes = size === undefined ? DEFAULT_INTERNAL_BUFFER_BYTES : size * BYTES_PER_KB;
  });
  return bytes;
}

/** True when `bootstrap_extensions` has envoy.bootstrap.internal_listener. */
export function hasInternalListeners(extensions: readonly TypedExtensionConfig[]): boolean {
  return extensions.some(
    ({ typedConfig }) => typedConfig !== undefined && isInternalListener(typedConfig),
  );
}

function isInternalListener(any: NonNullable<TypedExtensionConfig['typedConfig']>): boolean {
  return typeIn(any) === InternalListenerSchema.typeName;
}

/** Rejects, in Envoy's words, what only a listener with a socket can have. */
export function checkInternalListener(message: Listener, context: CompileContext): void {
  const named = `error adding listener named '${message.name}': `;
  if (message.address !== undefined || message.additionalAddresses.length > 0) {
    const rule = 'address should not be used when an internal listener config is provided';
    const path = message.address === undefined ? 'additional_addresses' : 'address';
    context.reject(path, `error adding listener '${message.name}': ${rule}`);
  }
  if (context.environment.hasInternalListeners === false) {
    const rule = 'InternalListener bootstrap extension is mandatory';
    const advice = 'add envoy.bootstrap.internal_listener to bootstrap_extensions';
    context.reject('internal_listener', `${named}${rule}: ${advice}`);
  }
  for (const [path, isSet] of socketFields(message)) {
    if (isSet) context.reject(path, `${named}has unsupported tcp listener feature`);
  }
}

function socketFields(message: Listener): readonly (readonly [string, boolean])[] {
  return [
    ['transparent', message.transparent === true],
    ['freebind', message.freebind === true],
    ['tcp_backlog_size', message.tcpBacklogSize !== undefined],
    ['tcp_fast_open_queue_length', message.tcpFastOpenQueueLength !== undefined],
    ['enable_reuse_port', message.enableReusePort !== undefined],
    ['connection_balance_config', message.connectionBalanceConfig !== undefined],
  ];
}
