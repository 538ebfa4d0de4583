"""`pulse`: the words of the command line. What they do stands in pulse_pipeline.commands."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console

from pulse_pipeline.errors import PulseError, RunFailed
from pulse_pipeline.home import Home

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Recommendations that know why.")
_err = Console(stderr=True)
# Where nobody watches, tables keep the width they need.
_out = Console(width=None if sys.stdout.isatty() else 140)

# Typer carries its own copy of click in some versions; its public error names the class in all of them.
_USAGE_ERROR: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")

SYNTHETIC = "(The users and items of this domain are synthetic.)"

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]
Domain = Annotated[str, typer.Option(help="The domain.")]
User = Annotated[str, typer.Option(help="The user's id.")]


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what is here, and the mend for what is not."""
    from pulse_pipeline.commands.doctor import examine

    findings = list(examine(Home.from_environment()))
    if as_json:
        _print_json([vars(finding) for finding in findings])
    else:
        colours = {"ok": "green", "warn": "yellow", "error": "red"}
        for finding in findings:
            colour = colours[finding.verdict]
            _out.print(
                f"[{colour}]{finding.verdict:5}[/] {finding.subject}: {_escaped(finding.detail)}",
                highlight=False,
            )
    if any(finding.verdict == "error" for finding in findings):
        raise typer.Exit(2)


@app.command()
def fetch(
    source: Annotated[str, typer.Argument(help="amazon-2018, amazon-2023 or movielens.")],
    names: Annotated[list[str], typer.Argument(help="Categories or data sets, such as Gift_Cards.")],
) -> None:
    """Download public data sets into the home; an interrupted download goes on where it stopped."""
    from pulse_pipeline.interactions.fetch import fetch as download
    from pulse_pipeline.interactions.fetch import snippet

    with _progress():
        for name in names:
            paths = download(source, [name], Home.from_environment())
            _out.print(snippet(source, name, paths), markup=False, highlight=False)


@app.command()
def run(
    domains: Annotated[
        str | None, typer.Option(help="Comma-separated; all of the registry by default.")
    ] = None,
    select: Annotated[
        str | None, typer.Option(help="Assets, such as 'rationales+' or 'group:evaluation'.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings file; else pulse.yaml or the defaults.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would run and cost; run nothing.")] = False,
) -> None:
    """Materialise assets with live progress; the same runs show in the UI."""
    if plan:
        _show_plan(select, domains, config)
        return
    _materialise(select, domains, config)
    _show_results(None, as_json=False)
    home = Home.from_environment()
    if (home.report / "index.html").exists():
        _out.print(f"Report: {home.report / 'index.html'}", highlight=False)
    _out.print("Look around with `make ui`, or `pulse recommend --help`.", highlight=False)


@app.command()
def recommend(
    domain: Domain,
    user: User,
    k: Annotated[int, typer.Option("-k", min=1, help="How many items.")] = 10,
    why: Annotated[
        bool, typer.Option("--why", help="Add the rationale and what speaks for each item.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The best items that a user does not have yet."""
    from pulse_pipeline.commands import serving
    from pulse_pipeline.evaluation.explanations import answering

    answer = serving.recommend(serving.load(Home.from_environment(), _known(domain)), user, k)
    answer["synthetic"] = _is_synthetic(domain)
    if not why:
        answer = _without_reasons(answer)
    if as_json:
        _print_json(answer)
        return
    if why:
        _say(f"Why {user} chooses: {answering.rationale(answer) or 'no rationale yet'}")
        _say("")
    if answer["synthetic"]:
        _out.print(SYNTHETIC, highlight=False)
    for item in answer["recommendations"]:
        _say(f"{item['rank']:3}. {item['title']}  ({item['item_id']})")
        if why:
            _say(f"     because of {answering.listed(item['because_of'])}")


@app.command()
def explain(
    domain: Domain,
    user: User,
    item: Annotated[str, typer.Option(help="The item's id.")],
    as_json: Json = False,
) -> None:
    """Why this item for this user."""
    from pulse_pipeline.commands import serving
    from pulse_pipeline.evaluation.explanations import answering

    answer = serving.explain(serving.load(Home.from_environment(), _known(domain)), user, item)
    answer["synthetic"] = _is_synthetic(domain)
    if as_json:
        _print_json(answer)
        return
    lines = answering.lines(answer)
    if answer["synthetic"]:
        lines.append(SYNTHETIC)
    for line in lines:
        _say(line)


@app.command()
def lineage(
    asset: Annotated[str, typer.Argument(help="An asset key, such as rationales.")],
    domain: Annotated[str | None, typer.Option(help="Domain, mix, or 'source|target'.")] = None,
    row: Annotated[str | None, typer.Option(help="A user's or item's id.")] = None,
    as_json: Json = False,
) -> None:
    """The chain behind a dataset or one row of it, up to the raw files' hashes."""
    from pulse_pipeline.commands.trace import trace

    home = Home.from_environment()
    traced = trace(home, asset, domain, row)
    if as_json:
        _print_json(traced.as_json())
    else:
        _out.print(traced.as_tree())


@app.command()
def evaluate(
    arm: Annotated[Literal["pulse", "faithful"], typer.Option(help="Which variant of the method.")] = "pulse",
    protocol: Annotated[Literal["loo", "temporal"] | None, typer.Option(help="Only this protocol.")] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Train each model this often; more than 1 takes its time.")
    ] = 1,
    config: Annotated[
        Path | None, typer.Option(help="Settings file; else pulse.yaml or the defaults.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Evaluate the trained models; figures with intervals."""
    selection = "reasoner_evaluation" if arm == "faithful" else "group:evaluation"
    if seeds > 1 and arm == "pulse":
        selection += ",seed_evaluation"
    _materialise(selection, None, config, seeds=seeds)
    _show_results(protocol, as_json=as_json, arm=arm)


@app.command()
def ablate(
    domain: Annotated[str, typer.Argument(help="The domain.")],
    config: Annotated[
        Path | None, typer.Option(help="Settings file; else pulse.yaml or the defaults.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a domain's Thought Space with one thing after another taken away, and say what each is worth."""
    from pulse_pipeline.commands.results import ablation_table
    from pulse_pipeline.commands.tables import read_table

    _materialise("ablation_evaluation", _known(domain), config)
    figures = read_table(Home.from_environment(), "ablation_evaluation", domain)
    if as_json:
        _print_json(figures.to_dicts())
    else:
        _out.print(ablation_table(figures, SYNTHETIC if _is_synthetic(domain) else None))


@app.command()
def tune(
    mix: Annotated[str, typer.Argument(help="A training mix, such as a domain's name.")],
    *,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try, the present ones first.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.001, help="No trial begins later than this.")] = 1800.0,
    held_out: Annotated[
        str | None, typer.Option(help="Judge on this member of the mix, not trained on: for transfer.")
    ] = None,
    protocol: Annotated[Literal["loo", "temporal"], typer.Option(help="Whose validation items.")] = "loo",
    seed: Annotated[int, typer.Option(help="Seed of the tried settings.")] = 0,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Then tune each baseline too, under the same budget.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="Settings file; else pulse.yaml or the defaults.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Search for the settings of the Thought Space, and of baselines, on validation items only."""
    from pulse_pipeline.commands.tune import PULSE, tune_baselines
    from pulse_pipeline.commands.tune import tune as search
    from pulse_pipeline.settings import load_settings
    from pulse_pipeline.tuning import Budget

    budget = Budget(trials=trials, max_seconds=seconds, seed=seed)
    with _progress():
        home, settings = Home.from_environment(), load_settings(config)
        found = {PULSE: search(home, settings, mix, protocol=protocol, held_out=held_out, budget=budget)}
        if baselines:
            found |= dict(tune_baselines(home, settings, mix, protocol=protocol, budget=budget))
    if as_json:
        _print_json([row for tuned in found.values() for row in tuned.log.to_dicts()])
        return
    for name, tuned in found.items():
        _show_search(name, tuned)


@app.command()
def report(
    against: Annotated[
        str | None, typer.Option(help="Another run: a home, its metrics.json, or an MLflow run's id.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings file; else pulse.yaml or the defaults.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the report: one self-contained HTML page; or say what changed since another run."""
    from dataclasses import asdict

    from pulse_pipeline.commands.comparing import as_table, find_run, folder_run
    from pulse_pipeline.evaluation.comparison import compare
    from pulse_pipeline.evaluation.report.comparison_page import write_comparison

    # Read first: the other run may be this home's last.
    before = find_run(against) if against is not None else None
    _materialise("report", None, config)
    folder = Home.from_environment().report
    if before is None:
        page = folder / "index.html"
        _print_json({"report": page}) if as_json else _out.print(str(page), markup=False, highlight=False)
        return
    comparison = compare(folder_run(folder), before)
    page = folder / "comparison.html"
    write_comparison(comparison, page)
    if as_json:
        _print_json({**asdict(comparison), "report": page})
        return
    _out.print(as_table(comparison))
    _out.print(str(page), markup=False, highlight=False)


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port of Dagster's page.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(help="Port of MLflow's page.")] = 5000,
    host: Annotated[
        str, typer.Option(help="Address to serve on; neither page asks who comes.")
    ] = "127.0.0.1",
) -> None:
    """Serve Dagster's web UI and MLflow's, on loopback unless told otherwise."""
    from pulse_pipeline.commands.serve import serve

    serve(Home.from_environment(), port, mlflow_port, host)


def _show_search(name: str, tuned: Any) -> None:
    import yaml

    from pulse_pipeline.commands.tune import best_settings

    _out.print(name, markup=False, highlight=False)
    for row in tuned.log.to_dicts():
        line = f"{row['trial']:3}  NDCG@10 {row['value']:.4f}  {row['seconds']:7.1f} s  {row['params']}"
        _out.print(line, markup=False, highlight=False)
    best = yaml.safe_dump(best_settings(name, tuned), sort_keys=False)
    _out.print(f"Best, for pulse.yaml:\n{best}", markup=False, highlight=False)


def _materialise(select: str | None, domains: str | None, config: Path | None, seeds: int = 1) -> None:
    from pulse_pipeline.commands.materialise import materialise

    project, wanted = _project(domains, config, seeds)
    with _progress():
        materialise(project, select, wanted)


def _show_plan(select: str | None, domains: str | None, config: Path | None) -> None:
    from pulse_pipeline.commands.plan import as_table, plan

    project, wanted = _project(domains, config)
    _out.print(as_table(plan(project, select, wanted)))


def _project(domains: str | None, config: Path | None, seeds: int = 1) -> tuple[Any, list[str]]:
    """The project, and the domains of it that are meant; more than one seed overrides the settings."""
    from assets.project import Project
    from pulse_pipeline.domains import load_registry
    from pulse_pipeline.settings import load_settings

    registry = load_registry()
    named = registry.names if domains is None else domains.split(",")
    settings = load_settings(config)
    if seeds > 1:
        settings = settings.model_copy(
            update={"evaluation": settings.evaluation.model_copy(update={"seeds": seeds})}
        )
    return Project(registry, settings), [registry.domain(name).name for name in named]


def _show_results(protocol: str | None, *, as_json: bool, arm: str = "pulse") -> None:
    from pulse_pipeline.commands.evaluated import of_arm, tables
    from pulse_pipeline.commands.results import metrics, without_times
    from pulse_pipeline.domains import load_registry

    registry = load_registry()
    every = metrics(Home.from_environment(), registry)
    figures = of_arm(every, arm, protocol)
    if as_json:
        _print_json(figures.to_dicts())
        return
    for table in tables(figures, registry, arm):
        _out.print(table)
    timeless = without_times(every)
    if timeless:
        _out.print(f"Leave-one-out only, no times part the items: {', '.join(timeless)}", highlight=False)


def _progress() -> Any:
    from contextlib import ExitStack

    from pulse_pipeline.commands.bars import Bars
    from pulse_pipeline.progress import listening

    stack = ExitStack()
    stack.enter_context(listening(stack.enter_context(Bars(_err))))
    return stack


def _is_synthetic(domain: str) -> bool:
    from pulse_pipeline.domains import load_registry

    return domain in load_registry().synthetic


def _known(domain: str) -> str:
    from pulse_pipeline.domains import load_registry

    return load_registry().domain(domain).name


def _without_reasons(answer: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in answer.items() if not key.startswith("rationale")}
    for item in kept["recommendations"]:
        del item["because_of"]
    return kept


def _say(line: str) -> None:
    """Print a line that may hold a stranger's words: they steer neither rich nor the terminal."""
    from pulse_pipeline.rationales.untrusted import inert

    _out.print(inert(line), markup=False, highlight=False)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def main() -> None:
    """Run a command; wrong usage, settings or input exits with 2, a failed run with 1."""
    try:
        sys.exit(app(standalone_mode=False))
    except _USAGE_ERROR as error:
        if len(sys.argv) == 1:  # the bare word: its "error" is the help
            print(error)
            sys.exit(2)
        command = error.ctx.command_path if error.ctx else "pulse"
        _fail(f"{error.format_message().rstrip('.')}; see `{command} --help`", 2)
    except typer.Abort:
        _fail("stopped", 1)
    except PulseError as error:
        _fail(error, 2)
    except RunFailed as error:
        _fail(error, 1)


def _fail(error: Exception | str, status: int) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
