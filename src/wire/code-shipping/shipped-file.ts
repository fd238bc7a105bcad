/** What a shipped function is to its app. */
export type FunctionRole = 'app' | 'setup';

/** The file that stacks show for a shipped function: `sluice-app:<name>`, `sluice-setup:<name>`. */
export function shippedFile(role: FunctionRole, name: string): string {
  // Parentheses end a place in a stack, and encodeURIComponent leaves them.
  return `sluice-${role}:${encodeURIComponent(name).replaceAll('(', '%28').replaceAll(')', '%29')}`;
}
