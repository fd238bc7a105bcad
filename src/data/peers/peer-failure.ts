/**
 * Why a node did not give a file: it has none such (any more); has too many askers; does not answer; broke off or is too
 * slow; or what came is not what was to come.
 */
export type PeerTrouble = 'absent' | 'busy' | 'unreachable' | 'broken' | 'corrupt';

/** One node did not give a file; others may. */
export class PeerFailure extends Error {
  readonly trouble: PeerTrouble;

  constructor(trouble: PeerTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.trouble = trouble;
  }
}
