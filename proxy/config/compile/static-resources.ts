// What must hold among the listeners and clusters of one bootstrap, beyond each of them alone.
import type { Bootstrap } from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Address } from '../../api/gen/envoy/config/core/v3/address_pb.js';
import type { Listener } from '../../api/gen/envoy/config/listener/v3/listener_pb.js';
import type { Secret } from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { CompileContext } from '../../model/extension.ts';

/** The names of a bootstrap's clusters: what its routes may refer to. */
export function staticClusterNames(message: Bootstrap): ReadonlySet<string> {
  return new Set(message.staticResources?.clusters.map(({ name }) => name));
}

/** Refuses repeated cluster names and listener addresses, and an unknown local cluster. */
export function checkStaticResources(message: Bootstrap, context: CompileContext): void {
  const at = context.at('static_resources');
  const names = new Set<string>();
  message.staticResources?.clusters.forEach(({ name }, index) => {
    if (names.has(name))
      at.reject(`clusters[${index}].name`, `cluster manager: duplicate cluster '${name}'`);
    names.add(name);
  });
  const local = message.clusterManager?.localClusterName ?? '';
  if (local !== '' && !names.has(local)) {
    context.reject(
      'cluster_manager.local_cluster_name',
      `local cluster '${local}' must be defined`,
    );
  }
  checkListeners(message.staticResources?.listeners ?? [], at);
  checkSecretNames(message.staticResources?.secrets ?? [], at);
}

/** What Envoy calls secrets of each kind. */
const SECRET_KINDS: Readonly<Record<string, string>> = {
  tlsCertificate: 'TlsCertificate',
  validationContext: 'CertificateValidationContext',
  sessionTicketKeys: 'TlsSessionTicketKeys',
  genericSecret: 'GenericSecret',
};

/** Envoy has names for each kind apart; here one name is one secret. */
function checkSecretNames(secrets: readonly Secret[], context: CompileContext): void {
  const names = new Set<string>();
  secrets.forEach(({ name, type }, index) => {
    if (names.has(name)) {
      const kind = SECRET_KINDS[type.case ?? ''] ?? '';
      context.reject(`secrets[${index}].name`, `Duplicate static ${kind} secret name ${name}`);
    }
    names.add(name);
  });
}

function checkListeners(listeners: readonly Listener[], context: CompileContext): void {
  const owners = new Set<string>();
  const names = new Set<string>();
  listeners.forEach((listener, index) => {
    const at = context.at(`listeners[${index}]`);
    if (listener.name !== '' && names.has(listener.name)) {
      at.warn(
        'name',
        `another listener is named '${listener.name}' too: names are for telling them apart`,
      );
    }
    names.add(listener.name);
    // What is not bound takes no address.
    if (listener.bindToPort === false) return;
    for (const key of boundAddresses(listener)) {
      if (owners.has(key)) at.reject('address', duplicate(listener.name, key));
      owners.add(key);
    }
  });
}

function duplicate(name: string, address: string): string {
  return `error adding listener: '${name}' has duplicate address '${address}' as existing listener`;
}

/** Fixed addresses of a listener, each once; port 0 is another port each time. */
function boundAddresses(listener: Listener): ReadonlySet<string> {
  const addresses = [
    listener.address,
    ...listener.additionalAddresses.map(({ address }) => address),
  ];
  return new Set(addresses.map(addressKey).filter((key) => key !== ''));
}

function addressKey(message: Address | undefined): string {
  const choice = message?.address;
  if (choice?.case === 'pipe') return choice.value.path;
  if (choice?.case !== 'socketAddress') return '';
  const port = choice.value.portSpecifier.value;
  return typeof port === 'number' && port !== 0 ? `${choice.value.address}:${port}` : '';
}
