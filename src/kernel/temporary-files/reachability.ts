import type { TemporaryFile } from './temporary-file.js';

/** Whoever holds one can ask for its file. */
class Ticket {
  readonly file: TemporaryFile;

  constructor(file: TemporaryFile) {
    this.file = file;
  }
}

/** A ticket as it is watched: which one was given out last tells it from those before. */
interface Watch {
  readonly file: TemporaryFile;
  readonly ticket: WeakRef<Ticket>;
}

/** Notices when nothing is left in the client by which a file could be given to an app. */
export class Reachability {
  readonly #watches = new WeakMap<TemporaryFile, Watch>();
  readonly #tickets = new WeakMap<object, Ticket[]>();
  readonly #registry: FinalizationRegistry<() => void>;
  readonly #onUnreachable: (file: TemporaryFile) => void;

  constructor(onUnreachable: (file: TemporaryFile) => void) {
    this.#onUnreachable = onUnreachable;
    this.#registry = new FinalizationRegistry((tell) => tell());
  }

  /** As long as `holder` is reachable, the file can be asked for. */
  hold(holder: object, file: TemporaryFile): void {
    const ticket = this.#watches.get(file)?.ticket.deref() ?? this.#newTicket(file);
    const tickets = this.#tickets.get(holder);
    if (tickets === undefined) this.#tickets.set(holder, [ticket]);
    else if (!tickets.includes(ticket)) tickets.push(ticket);
  }

  /** The file of that URL that a holder was given. */
  fileOf(holder: object, url: string): TemporaryFile | undefined {
    return this.#tickets.get(holder)?.find(({ file }) => file.url === url)?.file;
  }

  #newTicket(file: TemporaryFile): Ticket {
    const ticket = new Ticket(file);
    const watch: Watch = { file, ticket: new WeakRef(ticket) };
    this.#watches.set(file, watch);
    file.isReachable = true;
    this.#registry.register(ticket, () => {
      if (this.#watches.get(file) !== watch) return;
      file.isReachable = false;
      this.#onUnreachable(file);
    });
    return ticket;
  }
}
