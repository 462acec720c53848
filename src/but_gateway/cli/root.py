"""``but-gateway``: all commands, and what their exit codes mean. Commands import what they need when they run, so that help is quick."""

import sys

import typer

from but_gateway.cli import backup, child, database, describe, doctor, keys, law, logins, retention, serve, subject_access, verify
from but_gateway.cli.demo import command as demo
from but_gateway.cli.report import CommandError, Exit, complain

app = typer.Typer(
    name="but-gateway",
    help="Caterers and tutors bill German towns (Bildung und Teilhabe): check, submit, decide, pay.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("verify")(verify.verify)
app.command("openapi")(describe.openapi)
app.command("explain")(law.explain)
app.command("retention")(retention.retention)
app.command("subject-access")(subject_access.subject_access)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(child.commands, name="child")
logins.municipality.command("accounts-adopted")(retention.accounts_adopted)
app.add_typer(keys.commands, name="key")
app.add_typer(database.commands, name="db")
app.add_typer(law.commands, name="law")
app.add_typer(logins.municipality, name="municipality")
app.add_typer(logins.account, name="account")
app.add_typer(logins.client, name="client")
app.add_typer(logins.person, name="person")


def main() -> None:
    """Runs a command. Exit codes: 0 ok, 1 findings, 2 usage, 3 environment, 4 conflict."""
    try:
        app()
    except CommandError as error:
        complain(str(error))
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
