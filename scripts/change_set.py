"""One change of a stack by CloudFormation: made, shown, carried out, followed to its end."""

import time
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from account import Account
from botocore.exceptions import WaiterError

SECONDS_BETWEEN_LOOKS = 5
SUCCEEDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
# How CloudFormation says that a template and its parameters are those that the stack has.
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class ChangeSet:
    account: Account
    stack: str
    id: str
    makes_the_stack: bool

    @classmethod
    def make(
        cls, account: Account, stack: str, template_url: str, values: Mapping[str, str], makes_the_stack: bool
    ) -> "ChangeSet | None":
        """None where there is nothing to change. A parameter that is not among `values` has the template's default."""
        made = account.cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=f"deploy-{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
            ChangeSetType="CREATE" if makes_the_stack else "UPDATE",
            TemplateURL=template_url,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        change_set = cls(account, stack, made["Id"], makes_the_stack)
        try:
            waiter = account.cloudformation.get_waiter("change_set_create_complete")
            waiter.wait(ChangeSetName=made["Id"], WaiterConfig={"Delay": SECONDS_BETWEEN_LOOKS, "MaxAttempts": 120})
        except WaiterError as failed:
            reason = failed.last_response.get("StatusReason", str(failed))
            change_set.discard()
            if any(phrase in reason for phrase in NO_CHANGES):
                return None
            raise SystemExit(f"CloudFormation refuses the template: {reason}") from None
        return change_set

    def show(self) -> None:
        pages = self.account.cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=self.id)
        for change in (one["ResourceChange"] for page in pages for one in page["Changes"]):
            replaced = {"True": ", replaced", "Conditional": ", perhaps replaced"}.get(change.get("Replacement"), "")
            print(f"  {change['Action'].lower():7} {change['LogicalResourceId']} ({change['ResourceType']}{replaced})")

    def discard(self) -> None:
        """The stack that a change set was to make has nothing in it, and goes with it."""
        if self.makes_the_stack:
            self.account.cloudformation.delete_stack(StackName=self.stack)
        else:
            self.account.cloudformation.delete_change_set(ChangeSetName=self.id)

    def carry_out(self) -> None:
        known = {event["EventId"] for event in self.events_after(set())}
        self.account.cloudformation.execute_change_set(ChangeSetName=self.id)
        failed: list[str] = []
        while True:
            # Looked at before the events, so that none of them is missed at the end.
            status = self.status()
            for event in self.events_after(known):
                known.add(event["EventId"])
                line = f"{event['LogicalResourceId']}: {event['ResourceStatus']}"
                if event["ResourceStatus"].endswith("_FAILED"):
                    failed.append(f"{line}, {event.get('ResourceStatusReason', 'without a reason')}")
                if not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                    print(f"  {line}", flush=True)
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(SECONDS_BETWEEN_LOOKS)
        if status not in SUCCEEDED:
            # The first one is the cause, those after it were cancelled for it.
            why = "\n".join(failed[:3])
            raise SystemExit(f"the stack is {status}:\n{why}\nmake deploy says what to do next")

    def status(self) -> str:
        return self.account.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]["StackStatus"]

    def events_after(self, known: Set[str]) -> list[dict[str, Any]]:
        """Those that are new, oldest first. CloudFormation tells the newest first, a page at a time."""
        new = []
        for page in self.account.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.stack):
            new += [event for event in page["StackEvents"] if event["EventId"] not in known]
            if any(event["EventId"] in known for event in page["StackEvents"]):
                break
        return new[::-1]
