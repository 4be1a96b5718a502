// The addresses of the pod that never leave it.
import type { CaptureOptions, IpVersion } from './capture-options.ts';

/** This host's own addresses, as one network. */
export function loopback(options: CaptureOptions, version: IpVersion): string {
  return version === 4 ? options.loopbackV4 : '::1/128';
}

/** The source of what the proxy sends to the application: nothing may capture it again. */
export function passthroughSource(version: IpVersion): string {
  return version === 4 ? '127.0.0.6/32' : '::6/128';
}
