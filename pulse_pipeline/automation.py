"""Jobs and schedules. Everything that spends GPU time by itself is off until somebody turns it on."""

import dagster as dg

from assets.project import Project

WEEKLY = "0 3 * * 1"


def automation(project: Project) -> dg.Definitions:
    """What can be started by name and by the clock."""
    regeneration = dg.define_asset_job(
        "regenerate_rationales",
        selection=dg.AssetSelection.assets("rationales", "rationale_embeddings"),
        partitions_def=project.partitions.domains,
        description="Writes the rationales that are not written yet and embeds them, one run a domain.",
    )
    weekly = dg.build_schedule_from_partitioned_job(
        regeneration,
        name="weekly_rationales",
        cron_schedule=WEEKLY,
        description="Every Monday at 3:00, one run a domain. Off by default: it spends GPU time.",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
    return dg.Definitions(jobs=[regeneration], schedules=[weekly])
