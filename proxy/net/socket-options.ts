// getsockopt(2) and setsockopt(2) on descriptors of node's sockets. Node has neither, so the calls
// go through a native package that is loaded at the first use, and may be absent.
import { createRequire } from 'node:module';
import { getSystemErrorMap } from 'node:util';

/** The two calls. */
export interface SocketOptions {
  /** Writes the option's value to the front of `out`; false when the system has none to give. */
  read(fd: number, option: SocketOption, out: Buffer): boolean;
  /** Sets an option; '' or the system's reason why not. */
  write(fd: number, option: SocketOption, value: Buffer): string;
  /** A TCP socket that is neither bound nor connected, its descriptor or the reason why not. */
  open(family: 4 | 6): number | string;
}

/** An option by its numbers, which are Linux's. */
export interface SocketOption {
  readonly level: number;
  readonly name: number;
}

/** A number as options take it. */
export function optionInt(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeInt32LE(value);
  return octets;
}

/** ip(7), ipv6(7). */
export const SOL_IP = 0;
export const SOL_IPV6 = 41;
/** Redirected connections and those of TPROXY: see the two callers. */
export const SO_ORIGINAL_DST: SocketOption = { level: SOL_IP, name: 80 };
export const IP6T_SO_ORIGINAL_DST: SocketOption = { level: SOL_IPV6, name: 80 };
export const IP_TRANSPARENT: SocketOption = { level: SOL_IP, name: 19 };
export const IPV6_TRANSPARENT: SocketOption = { level: SOL_IPV6, name: 75 };

type GetOption = (fd: number, level: number, name: number, out: Buffer, size: number[]) => number;
type SetOption = (fd: number, level: number, name: number, at: Buffer, size: number) => number;
type OpenSocket = (domain: number, type: number, protocol: number) => number;

/** socket(2) on Linux: SOCK_STREAM with SOCK_NONBLOCK and SOCK_CLOEXEC. */
const STREAM_SOCKET = 0o2004001;
const DOMAINS = { 4: 2, 6: 10 } as const;

/** The part of the package that is used. */
interface Koffi {
  load(path: null): { func(prototype: string): unknown };
  errno(): number;
}

let loaded: SocketOptions | string | null = null;

/** The calls, or why there are none: for a message to whoever configured what needs them. */
export function socketOptions(): SocketOptions | string {
  loaded ??= load();
  return loaded;
}

function load(): SocketOptions | string {
  if (process.platform !== 'linux') return `${process.platform} has no such socket options`;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    return new NativeSocketOptions(koffi);
  } catch (error) {
    return `the optional package koffi cannot be loaded: ${(error as Error).message}`;
  }
}

class NativeSocketOptions implements SocketOptions {
  readonly #koffi: Koffi;
  readonly #get: GetOption;
  readonly #set: SetOption;
  readonly #open: OpenSocket;
  /** In: room, out: octets written. One for all calls: they end before they return. */
  readonly #size = [0];

  constructor(koffi: Koffi) {
    const libc = koffi.load(null);
    this.#koffi = koffi;
    this.#get = libc.func(
      'int getsockopt(int fd, int level, int name, _Out_ uint8_t *out, _Inout_ uint32_t *size)',
    ) as GetOption;
    this.#set = libc.func(
      'int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t size)',
    ) as SetOption;
    this.#open = libc.func('int socket(int domain, int type, int protocol)') as OpenSocket;
  }

  read(fd: number, { level, name }: SocketOption, out: Buffer): boolean {
    this.#size[0] = out.length;
    return this.#get(fd, level, name, out, this.#size) === 0;
  }

  write(fd: number, { level, name }: SocketOption, value: Buffer): string {
    return this.#set(fd, level, name, value, value.length) === 0 ? '' : this.#reason();
  }

  open(family: 4 | 6): number | string {
    const fd = this.#open(DOMAINS[family], STREAM_SOCKET, 0);
    return fd < 0 ? this.#reason() : fd;
  }

  #reason(): string {
    const errno = this.#koffi.errno();
    const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
    return `${text} (${code})`;
  }
}
