import { SluiceError } from '../../errors.js';
import type { ClientMessage, Command, ManagerInfo } from '../../wire/pilot/messages.js';

const ANSWER_MS = 10_000;

/** Commands that wait for the interchange's answer. */
export class Replies {
  readonly #send: (message: ClientMessage) => void;
  readonly #waiting = new Map<number, (managers: readonly ManagerInfo[]) => void>();
  #nextId = 1;

  constructor(send: (message: ClientMessage) => void) {
    this.#send = send;
  }

  /** Resolves with the managers the command was for. Rejects with `INTERCHANGE_LOST` when there is no answer for 10 s. */
  ask(command: Command): Promise<readonly ManagerInfo[]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(
          new SluiceError(
            'INTERCHANGE_LOST',
            `the interchange did not answer '${command.name}' for ${ANSWER_MS / 1000} s`,
          ),
        );
      }, ANSWER_MS);
      this.#waiting.set(id, (managers) => {
        clearTimeout(timer);
        resolve(managers);
      });
      this.#send({ kind: 'command', id, command });
    });
  }

  settle(id: number, managers: readonly ManagerInfo[]): void {
    this.#waiting.get(id)?.(managers);
    this.#waiting.delete(id);
  }
}
