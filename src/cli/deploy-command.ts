import { Command, InvalidArgumentError } from 'commander';
import { wholeNumber } from './whole-number.js';

interface DeployLambdaFlags {
  readonly function?: string;
  readonly role?: string;
  readonly memory?: number;
  readonly timeout?: number;
  readonly storage?: number;
  readonly runtime?: string;
  readonly region?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `sluice deploy lambda`: sets up what an executor needs, with the account's own credentials. */
export function deployCommand(): Command {
  const lambda = new Command('lambda')
    .description('create the worker function of a LambdaExecutor, or bring it to this version')
    .option('--function <name>', 'name of the function (default: sluice-worker)')
    .option(
      '--role <arn>',
      'role it runs as; needed to create it: AWSLambdaBasicExecutionRole and access to the bucket',
    )
    .option('--memory <MiB>', 'memory of each environment, 128 to 10240 (default: 1769, one vCPU)', wholeNumber)
    .option('--timeout <seconds>', 'longest task, 1 to 900 (default: 900)', wholeNumber)
    .option('--storage <MiB>', 'size of /tmp, 512 to 10240 (default: 512)', wholeNumber)
    .option('--runtime <name>', 'Node runtime (default: nodejs24.x)')
    .option(
      '--env <name[=value]>',
      'environment variable of the function, with the value it has here unless one is given; may be repeated',
      addVariable,
    )
    .option('--region <region>', 'default: AWS_REGION, then the profile')
    .action(deploy);
  return new Command('deploy').description('set up what an executor needs in your account').addCommand(lambda);
}

// Named alone, a secret stands on no command line.
function addVariable(text: string, given: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [name = '', ...rest] = text.split('=');
  const value = rest.length === 0 ? process.env[name] : rest.join('=');
  if (value === undefined) throw new InvalidArgumentError(`${name} is not set here: write ${name}=value, or set it.`);
  return { ...given, [name]: value };
}

async function deploy(flags: DeployLambdaFlags): Promise<void> {
  const { deployLambda } = await import('../executors/lambda/deploy-lambda.js');
  const { functionName, functionArn, done } = await deployLambda({
    ...(flags.function !== undefined && { functionName: flags.function }),
    ...(flags.role !== undefined && { role: flags.role }),
    ...(flags.memory !== undefined && { memoryMiB: flags.memory }),
    ...(flags.timeout !== undefined && { timeoutSeconds: flags.timeout }),
    ...(flags.storage !== undefined && { ephemeralStorageMiB: flags.storage }),
    ...(flags.runtime !== undefined && { runtime: flags.runtime }),
    ...(flags.region !== undefined && { region: flags.region }),
    ...(flags.env !== undefined && { environment: flags.env }),
  });
  process.stdout.write(`${functionName}: ${done} (${functionArn})\n`);
}
