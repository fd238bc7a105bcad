import { spawn } from 'node:child_process';

/**
 * A shell that outlives this process by a moment: when the pipe to it breaks (kill -9 included), it kills the process
 * groups it was told of, whatever else has the working folder in its environment (functions have their HOME and TMPDIR
 * there; setsid escapes a group, not this), and removes that folder. It is what ends a function that is busy in a loop,
 * and so cannot notice itself that its parent is gone.
 */
export interface GroupReaper {
  watch(groupId: number): void;
  forget(groupId: number): void;
  /** Ends the shell without killing or removing anything. */
  close(): void;
}

const SCRIPT = `
groups=' '
while read -r verb group; do
  case $verb in
    watch) groups="$groups$group " ;;
    forget) groups="\${groups%% $group *} \${groups#* $group }" ;;
    close) exit 0 ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
for file in $(grep -lsF -- "$1/" /proc/[0-9]*/environ); do
  pid=\${file#/proc/}
  kill -s KILL -- "\${pid%/environ}" 2>/dev/null
done
sleep 0.2
rm -rf -- "$1"
`;

/** Starts the shell, in a session of its own so that Ctrl-C does not end it first. */
export function startGroupReaper(workFolder: string): GroupReaper {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'sluice-reaper', workFolder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
  });
  shell.unref();
  // Without a reaper (no /bin/sh, or killed by somebody) environments still watch their stdin.
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  const tell = (line: string): void => {
    if (shell.stdin.writable) shell.stdin.write(`${line}\n`);
  };
  return {
    watch: (groupId) => tell(`watch ${groupId}`),
    forget: (groupId) => tell(`forget ${groupId}`),
    close: () => {
      tell('close');
      shell.stdin.end();
    },
  };
}
