// Memory that several processes map: a file without a name, of which each gets a descriptor when it
// is made. Node has no mmap(2); the call goes through a native package, which may be absent.
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Linux keeps files in memory. */
const MEMORY_DIRECTORY = '/dev/shm';

/** sys/mman.h of Linux. */
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

type Mmap = (
  at: null,
  bytes: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => bigint;

/** The part of the package that is used. */
interface Koffi {
  load(path: null): { func(prototype: string): unknown };
  view(pointer: bigint, bytes: number): ArrayBuffer;
}

/** A descriptor of so many octets, all 0 and all backed; or why there is none. */
export function makeSharedMemory(bytes: number): number | string {
  if (process.platform !== 'linux') return `${process.platform} is not supported`;
  const inMemory = makeFile(MEMORY_DIRECTORY, bytes);
  return typeof inMemory === 'number' ? inMemory : makeFile(tmpdir(), bytes);
}

/** The memory behind a descriptor; it lasts as long as the process. Or why it cannot be mapped. */
export function mapSharedMemory(fd: number, bytes: number): ArrayBuffer | string {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const mmap = koffi
      .load(null)
      .func(
        'void *mmap(void *at, size_t bytes, int protection, int flags, int fd, int64_t offset)',
      ) as Mmap;
    const pointer = mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0);
    if (pointer === MAP_FAILED) return 'mmap failed';
    return koffi.view(pointer, bytes);
  } catch (error) {
    return `the optional package koffi cannot be loaded: ${(error as Error).message}`;
  }
}

function makeFile(directory: string, bytes: number): number | string {
  const path = join(directory, `outrigger-${process.pid}-${process.hrtime.bigint()}`);
  let fd = -1;
  try {
    fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    ftruncateSync(fd, bytes);
    // A page that the file system has no room for would end whoever touches it (SIGBUS).
    fillWithZeroes(fd, bytes);
    return fd;
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    return (error as Error).message;
  }
}

function fillWithZeroes(fd: number, bytes: number): void {
  const zeroes = Buffer.alloc(Math.min(bytes, 1 << 20));
  for (let at = 0; at < bytes; )
    at += writeSync(fd, zeroes, 0, Math.min(zeroes.length, bytes - at), at);
}
