import type { ManagerRegistration } from '../wire/pilot/messages.js';

/** Who was not let in, and why. */
export interface Refused {
  readonly blockId: string;
  readonly host: string;
  readonly reason: string;
}

/** Why a manager with this registration is not let in; `undefined` when it is. @param id of its socket @param sluice the client's version */
export function refusalOf(registration: ManagerRegistration, id: string, sluice: string): Refused | undefined {
  const { blockId, host } = registration;
  if (registration.sluice !== sluice) {
    const reason = `it has version ${registration.sluice} of sluice, and the client ${sluice}: bring both to one version`;
    return { blockId, host, reason };
  }
  if (registration.id === id) return undefined;
  return { blockId, host, reason: `it calls itself '${registration.id}' and its socket '${id}'` };
}
