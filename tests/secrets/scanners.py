"""What other people's scanners find in a text: those detectors of detect-secrets that know the shape of a secret."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def _detectors() -> tuple[Any, ...]:
    from detect_secrets.plugins import (
        aws,
        azure_storage_key,
        basic_auth,
        discord,
        github_token,
        gitlab_token,
        jwt,
        mailchimp,
        npm,
        openai,
        private_key,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )

    return (
        *(aws.AWSKeyDetector(), azure_storage_key.AzureStorageKeyDetector(), basic_auth.BasicAuthDetector()),
        *(discord.DiscordBotTokenDetector(), github_token.GitHubTokenDetector(), gitlab_token.GitLabTokenDetector()),
        *(jwt.JwtTokenDetector(), mailchimp.MailchimpDetector(), npm.NpmDetector(), openai.OpenAIDetector()),
        *(private_key.PrivateKeyDetector(), pypi_token.PypiTokenDetector(), sendgrid.SendGridDetector()),
        *(slack.SlackDetector(), square_oauth.SquareOAuthDetector(), stripe.StripeDetector()),
        *(telegram_token.TelegramBotTokenDetector(), twilio.TwilioKeyDetector()),
    )


def found(text: str) -> set[tuple[str, str]]:
    """The kind and the text of each secret that a detector sees; in the whole text at once, which is the same and quicker."""
    return {
        (detector.secret_type, str(secret)) for detector in _detectors() for secret in detector.analyze_string(text)
    }
