// The process that started this one, for a process that was started to follow another.
import type { SendHandle } from 'node:child_process';
import type { BoundHandle } from '../../net/bound-handle.ts';
import type { OperatorChange } from '../operator-desk.ts';
import {
  type FromRoot,
  type FromSuccessor,
  HANDOVER_PROTOCOL,
  type Launch,
  SUCCESSOR_VARIABLE,
  type Successor,
  type ToRoot,
  type ToSuccessor,
} from './messages.ts';

/** What a process takes over from the one before it. */
export interface Inheritance {
  /** Of the one before. */
  readonly epoch: number;
  /** Wall-clock ms at which the first of the line started. */
  readonly firstStartedMs: number;
  /** Base64. */
  readonly ticketSecret: string;
  /** What operators changed in it. */
  readonly changed: OperatorChange;
  /** Bound and listening, by the keys of SocketKeeper. */
  readonly sockets: ReadonlyMap<string, BoundHandle>;
  /** null: it had no admin interface. */
  readonly admin: InheritedAdmin | null;
}

/** The socket of the admin interface. */
export interface InheritedAdmin {
  /** As the configuration said, port 0 included. */
  readonly address: string;
  readonly socket: BoundHandle;
}

/** What one that retires has counted. */
export type Counted = Extract<ToSuccessor, { readonly kind: 'counted' }>;

/** The channel to the first of the line. */
export class Ancestor {
  readonly #sockets = new Map<string, BoundHandle>();
  #admin: InheritedAdmin | null = null;
  #estate: Extract<ToSuccessor, { readonly kind: 'estate' }> | null = null;
  #onInherited: (inheritance: Inheritance | string) => void = () => undefined;
  #successor: Successor | null = null;
  /** Said before anybody wanted to know. */
  readonly #earlyChanges: OperatorChange[] = [];
  #onChanged: ((change: OperatorChange) => void) | null = null;
  onCounted: (counted: Counted) => void = () => undefined;
  /** It is gone, without having said a word. */
  onLost: () => void = () => undefined;

  private constructor() {
    process.on('message', (message: ToSuccessor | FromRoot, handle: unknown) =>
      this.#onMessage(message, (handle ?? null) as BoundHandle | null),
    );
    process.once('disconnect', () => this.onLost());
  }

  /** null: this process follows nobody. Asked once; later processes do not find the sign. */
  static ofThisProcess(): Ancestor | null {
    const isSuccessor = process.env[SUCCESSOR_VARIABLE] === '1' && process.send !== undefined;
    delete process.env[SUCCESSOR_VARIABLE];
    return isSuccessor ? new Ancestor() : null;
  }

  /** What there is to take over; or why it cannot be. */
  inherit(): Promise<Inheritance | string> {
    return new Promise((resolve) => {
      this.#onInherited = resolve;
      void this.tell({ kind: 'want-estate', protocol: HANDOVER_PROTOCOL });
    });
  }

  /** Hears what operators change in the one before, from the estate on. */
  followChanges(onChanged: (change: OperatorChange) => void): void {
    this.#onChanged = onChanged;
    for (const change of this.#earlyChanges.splice(0)) onChanged(change);
  }

  /** Resolves when it is on its way. */
  tell(message: FromSuccessor | ToRoot, handle: object | null = null): Promise<void> {
    if (process.connected !== true) return Promise.resolve();
    return new Promise((resolve) =>
      process.send?.(message, (handle ?? undefined) as SendHandle | undefined, {}, () => resolve()),
    );
  }

  /** Has a process started that is to follow this one. */
  launch(launch: Launch): Successor {
    void this.tell({ kind: 'launch', launch });
    const successor: Successor = {
      send: (message, handle) => this.tell({ kind: 'for-successor', message }, handle ?? null),
      kill: () => void this.tell({ kind: 'kill-successor' }),
      adopt: () => void this.tell({ kind: 'adopt-successor' }),
      onMessage: null,
      onEnded: null,
    };
    this.#successor = successor;
    return successor;
  }

  #onMessage(message: ToSuccessor | FromRoot, handle: BoundHandle | null): void {
    switch (message.kind) {
      case 'estate':
        this.#estate = message;
        return;
      case 'socket':
        if (handle !== null) this.#sockets.set(message.key, handle);
        return;
      case 'admin-socket':
        if (handle !== null) this.#admin = { address: message.address, socket: handle };
        return;
      case 'estate-complete':
        this.#onInherited(this.#inheritance());
        return;
      case 'changed':
        if (this.#onChanged === null) this.#earlyChanges.push(message.change);
        else this.#onChanged(message.change);
        return;
      case 'counted':
        this.onCounted(message);
        return;
      case 'from-successor':
        this.#successor?.onMessage?.(message.message);
        return;
      case 'successor-ended':
        this.#successor?.onEnded?.(message.reason);
        return;
    }
  }

  #inheritance(): Inheritance | string {
    const estate = this.#estate;
    if (estate?.protocol !== HANDOVER_PROTOCOL) {
      const theirs = estate?.protocol ?? 'none';
      return `it hands over by protocol ${theirs}, this version by ${HANDOVER_PROTOCOL}`;
    }
    const { epoch, firstStartedMs, ticketSecret, changed = {} } = estate;
    const [sockets, admin] = [this.#sockets, this.#admin];
    return { epoch, firstStartedMs, ticketSecret, changed, sockets, admin };
  }
}
