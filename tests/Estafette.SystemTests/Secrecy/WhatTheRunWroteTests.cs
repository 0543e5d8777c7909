using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Secrecy;

/// <summary>The last step of <c>./test</c> (E54): nothing that this run wrote holds a password, a SASL message, a hash or a private key.</summary>
public sealed class WhatTheRunWroteTests
{
    private const int Told = 50;

    [Fact]
    public void Holds_no_secret()
    {
        SecretFound[] found = [.. SecretSearch.Folder(Written.ByRun.Folder).Take(Told)];
        Assert.True(found.Length == 0, "what the run wrote holds secrets:\n" + string.Join('\n', found.AsEnumerable()));
    }
}
