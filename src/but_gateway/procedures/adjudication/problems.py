"""What a person's decision may run into: rules of money that no person can set aside."""

from but_gateway.web.problems import Problem, Text


class DayTaken(Problem):
    """The child's lunch of the day (or month) is paid to another position: one lunch per child and day, whoever bills it."""

    status = 409
    code = "day_taken"
    title = Text("Mittagessen schon vergeben", "Lunch taken already")
    default_detail = Text(
        "Das Mittagessen dieses Kindes ist für diesen Tag (oder Monat) schon anerkannt. Ein zweites wird nicht bezahlt: Lehnen Sie ab, "
        "oder lassen Sie zuerst die andere Position stornieren.",
        "This child's lunch of the day (or month) is accepted already. No second one is paid: reject it, or have the other position "
        "cancelled first.",
    )


class BudgetUsed(Problem):
    """The grants have less left than the decision would pay."""

    status = 409
    code = "budget_used"
    title = Text("Budget reicht nicht", "Budget used up")
    default_detail = Text(
        "Die Bewilligungen haben nicht mehr genug übrig. Kürzen Sie auf das, was frei ist, oder lassen Sie das Budget erhöhen.",
        "The grants have not enough left. Reduce to what is free, or have the budget raised.",
    )


class NoGrant(Problem):
    """No grant covers the position: without one nobody can say from which money it is paid."""

    status = 409
    code = "no_grant"
    title = Text("Keine Bewilligung", "No grant")
    default_detail = Text(
        "Keine Bewilligung deckt diese Leistung, also gibt es nichts, woraus sie bezahlt werden kann. Lassen Sie zuerst die Bewilligung "
        "einliefern, oder lehnen Sie ab.",
        "No grant covers this service, so there is nothing to pay it from. Have the grant delivered first, or reject.",
    )


class NothingProposed(Problem):
    """There is no amount to accept."""

    status = 409
    code = "nothing_proposed"
    title = Text("Kein Betrag vorgeschlagen", "No amount proposed")
    default_detail = Text(
        "Für diese Position ist kein Betrag vorgeschlagen. Setzen Sie ihn mit „kürzen“ selbst fest, oder lehnen Sie ab.",
        "No amount is proposed for this position. Set one with “reduce”, or reject.",
    )
