"""Jobs, schedules, sensors. Everything that spends GPU time by itself is off until somebody turns it on."""

import dagster as dg

from assets.project import Project

WEEKLY = "0 3 * * 1"
WRITTEN = dg.AssetSelection.assets("rationales", "rationale_embeddings")
ON_DEMAND = dg.AssetSelection.assets("item_rationales", "bridging_rationales", "refined_rationales")


def automation(project: Project) -> dg.Definitions:
    """What can be started by name, by the clock and by a change."""
    regeneration = dg.define_asset_job(
        "regenerate_rationales",
        selection=WRITTEN,
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
    # A schedule regenerates because time has passed; this because a prompt, a model or a domain's draw has
    # changed. What is written already is not written again by either.
    on_change = dg.AutomationConditionSensorDefinition(
        "rationales_on_changed_settings",
        target=WRITTEN | ON_DEMAND,
        description="Writes rationales whose settings have changed, then embeds them. Off by default.",
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    return dg.Definitions(jobs=[regeneration], schedules=[weekly], sensors=[on_change])
