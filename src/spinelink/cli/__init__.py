"""The command line: one module a command, with the words of the Python interface.

`spinelink networks | findings | describe | check | query | next | interview | explain | link |
report | batch | score | fit | upgrade | audit | diff | cite | card | demo`. `output` holds what they share,
`findings` reads findings, `search` finds their names, `completion` completes them in the shell,
`screen` prints for people, `documents` for programs.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence

import click

from spinelink import __version__
from spinelink.cli.audit import audit
from spinelink.cli.batch import batch
from spinelink.cli.card import card
from spinelink.cli.check import check
from spinelink.cli.cite import cite
from spinelink.cli.demo import demo
from spinelink.cli.describe import describe
from spinelink.cli.diff import diff
from spinelink.cli.explain import explain
from spinelink.cli.fit import fit
from spinelink.cli.interview import interview
from spinelink.cli.link import link
from spinelink.cli.networks import networks
from spinelink.cli.next import next_question
from spinelink.cli.query import query
from spinelink.cli.report import report
from spinelink.cli.score import score
from spinelink.cli.screen import say
from spinelink.cli.search import findings
from spinelink.cli.upgrade import upgrade
from spinelink.errors import NetworkFileError, SpinelinkError

INTERRUPTED = 130  # 128 + SIGINT
PIPE_CLOSED = 141  # 128 + SIGPIPE
CLOSED = "standard output is closed, so nothing can be shown; open it, or redirect it to a file."
INTERNAL = 70  # EX_SOFTWARE of sysexits.h
TRACEBACK = "SPINELINK_TRACEBACK"
"""The environment variable that has a fault of the library shown in full."""
SENTENCE = 300
"""Letters that the first sentence of a command has at most."""


class Commands(click.Group):
    """The commands, whose list gives the first sentence of each in full."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list."""
        rows = [
            (name, self.commands[name].get_short_help_str(limit=SENTENCE))
            for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="spinelink %(version)s")
def commands() -> None:
    """Probabilistic diagnostic models for back pain and leg pain.

    For research, teaching and decision support for professionals. Not a medical device.
    """


for _command in (
    networks,
    findings,
    describe,
    check,
    query,
    next_question,
    interview,
    explain,
    fit,
    upgrade,
    link,
    report,
    batch,
    score,
    audit,
    diff,
    cite,
    card,
    demo,
):
    commands.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Errors are one message on standard error.

    Args:
        arguments: of the command line; those of the process where None.

    Returns:
        The exit status. 0: done. 1: a network file has errors, or a file cannot be read or
        written. 2: the command, the findings or a cell of a table are not understood, a file is not
        there, an output would be replaced, or the findings contradict each other. 70: a fault of the
        library. 130: interrupted. 141: the reader closed the pipe.
    """
    if sys.stderr is None:  # closed by the caller: what is said there goes nowhere
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        click.echo(f"spinelink: {CLOSED}", err=True)
        return 1
    try:
        status = commands.main(
            args=None if arguments is None else list(arguments),
            prog_name="spinelink",
            standalone_mode=False,
        )
        sys.stdout.flush()
    except click.ClickException as error:
        text = io.StringIO()
        error.show(file=text)
        say(text.getvalue().rstrip(), err=True)
        return error.exit_code
    except SpinelinkError as error:
        say(f"spinelink: {error}", err=True)
        return 1 if isinstance(error, NetworkFileError | OSError) else 2
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except SystemExit as end:
        # click exits with 1 when a write meets a closed pipe, with 0 after shell completions.
        return PIPE_CLOSED if end.code == 1 else 0
    except BrokenPipeError:
        # The reader (`| head`) has enough. Python flushes at exit, so what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"spinelink: {where}{error.strerror or error}", err=True)
        return 1
    except Exception as error:  # what no caller should see as a stack of calls
        return _internal(error)
    return status if isinstance(status, int) else 0


def _internal(error: Exception) -> int:
    """Says in a sentence that the library failed, and how to see where; the exit status."""
    kind = type(error).__name__
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
        say(f"\nspinelink: this is a fault of the library ({kind}); please report it.", err=True)
    else:
        words = f"this is a fault of the library ({kind}); set {TRACEBACK}=1 to see where"
        say(f"spinelink: {words}, and please report it.", err=True)
    return INTERNAL
