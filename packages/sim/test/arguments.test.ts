import assert from 'node:assert/strict';
import { it } from 'node:test';
import { numberIn, optionIn, wrongIn } from '../src/arguments.ts';

const OPTIONS = { '--only': 'word', '--cpu': 'number', '--tell': '' } as const;

it('a command line of known options is right', () => {
  const argv = ['--tell', '--only', 'a,b', '--cpu', '1.5'];
  assert.equal(wrongIn(argv, OPTIONS), null);
  assert.equal(optionIn(argv, '--only'), 'a,b');
  assert.equal(numberIn(argv, '--cpu', 120), 1.5);
  assert.equal(numberIn(argv, '--first', 1), 1);
});

it('what is wrong with a command line is said', () => {
  assert.equal(wrongIn(['--help'], OPTIONS), 'there is no option --help');
  assert.equal(wrongIn(['toString'], OPTIONS), 'there is no option toString');
  assert.equal(wrongIn(['--only'], OPTIONS), '--only wants a word behind it');
  assert.equal(wrongIn(['--cpu', '--tell'], OPTIONS), '--cpu wants a number behind it');
  assert.equal(wrongIn(['--cpu', 'x'], OPTIONS), '--cpu wants a number, not x');
});
